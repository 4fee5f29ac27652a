#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Mutants: do the tests notice when the code is wrong?
#
#	tests/mutants/mutants.py [--number N] [--seed N] [--only WORD]...
#	    [--kind KIND]... [--at FILE:LINE]... [--seconds N] [--jobs N]
#	    [--journal FILE] [--first SECONDS] [--test NAME]... [--every-test]
#	    [--list] BUILD
#
# BUILD is a folder in which everything was built with make (the preset release
# is).  One change at a time is made to a file of design, machine, kern,
# shootdown or policy; not in functions NAME_check(), which are tests, as KASSERT
# is.  Only that file is compiled, with -O1, into a shared library of its own,
# which stands before the rest where names are looked up; so the programs are
# linked once.  The tests of the default run, but smoke and lint, then run until
# one fails: those that reach the line (gcov says so, once for all), the
# likeliest killer for its time first.  --every-test does not ask gcov.
#
# Prints a line for each mutant that survived, and at the end how many were
# killed.  Killed by time means that a test took a second and four times as
# long as else.  Those in equivalent.txt change nothing that can be seen, and are
# counted apart: FILE, the line, what stands there instead, both without blanks
# around them, and why, with tabs between.  What a journal holds is not run again, but
# counted.  A mutant that the tests of --test, or those of the first so many
# seconds (--first), let pass is left open, for a run with the same journal and
# without them.

import argparse
import collections
import concurrent.futures
import glob
import hashlib
import json
import os
import queue
import random
import re
import shlex
import signal
import subprocess
import sys
import threading
import time

FOLDERS = ['design', 'machine', 'kern', 'shootdown', 'policy']
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))

# kind: what is looked for, what stands there instead.
SWAPS = [
    ('condition', r' == ', ' != '), ('condition', r' != ', ' == '),
    ('condition', r' && ', ' || '), ('condition', r' \|\| ', ' && '),
    ('condition', r'\bif \((?=[^;]*\)$)', 'if (!'),
    ('one off', r' < ', ' <= '), ('one off', r' <= ', ' < '),
    ('one off', r' > ', ' >= '), ('one off', r' >= ', ' > '),
    ('one off', r' \+ 1\b', ' + 2'), ('one off', r' - 1\b', ''),
    ('one off', r'\+\+', '--'), ('one off', r'(?<=\w)--', '++'),
    ('one off', r' \+= ', ' -= '), ('one off', r' -= ', ' += '),
    ('other CPU', r'eph_curcpu\(mc\)->id\b',
     '((eph_curcpu(mc)->id + 1) % mc->ncpus)'),
    ('other CPU', r'\bmc->cur\b(?!->)', 'mc->cpus[0]'),
]
# kind: a statement that is left out.
DROPS = [
    ('no invalidation', r'(pmap_(invlpg|invalidate_\w+|flush_local)|smp_\w+|'
     r'eph_shoot_(?!store)\w+|eph__shootdown_(?!lock|unlock)\w+|'
     r'eph__cpu_(invlpg|flush)|'
     r'cpu_drop|\w+_flush\w*|\w*invlpg\w*)'),
    ('no mask bit', r'eph_cpuset_\w+'),
    ('no store', r'(pmap_pte_(store|swap)|eph_shoot_store)'),
    ('no wakeup', r'wakeup\w*'),
    ('no count', r'EPH_COUNT\w*'),
]
CHECK = re.compile(r'^\w+_check(_\w+)?\(')
SKIP = re.compile(r'KASSERT|PANIC|EPH_NOTE|^\s*#|^\s*/?\*|//|static inline|'
                  r'sizeof|EPH_POINT|prefetch|^\w')

class Mutant:
    def __init__(self, path, at, kind, old, new, lines, file):
        self.path, self.at, self.kind = path, at, kind
        self.old, self.new, self.lines, self.file = old, new, lines, file

    def source(self):
        return '\n'.join(self.file[:self.at] + [self.new] +
                         self.file[self.at + self.lines:])

    def text(self):
        return '%s:%d: %s: %s -> %s' % (self.path, self.at + 1, self.kind,
                                        self.old.strip(),
                                        self.new.strip() or 'nothing')


def statement(lines, at):
    """Lines of the statement that begins here, or None."""
    text = ''
    for n in range(at, min(at + 5, len(lines))):
        text += lines[n]
        if text.rstrip().endswith(';'):
            return n - at + 1 if text.count('(') == text.count(')') else None
    return None


def mutants_of(path):
    with open(os.path.join(TOP, path)) as f:
        lines = f.read().split('\n')
    out = []
    inside = comment = check = False
    for at, line in enumerate(lines):
        comment = comment or line.strip().startswith('/*')
        ended = comment and '*/' in line
        if re.match(r'\w+\(', line):
            check = bool(CHECK.match(line))
        if line.startswith('{'):
            inside = not check
        if line.startswith('}'):
            inside = False
        if inside and not comment and not SKIP.search(line):
            for kind, what, instead in SWAPS:
                for m in re.finditer(what, line):
                    new = line[:m.start()] + instead + line[m.end():]
                    if instead == 'if (!':
                        new = re.sub(r'if \((.*)\)$', r'if (!(\1))', line)
                    out.append(Mutant(path, at, kind, line, new, 1,
                                      lines))
            for kind, what in DROPS:
                m = re.match(r'\s+(\(void\))?' + what + r'\(', line)
                n = statement(lines, at) if m else None
                if n:
                    out.append(Mutant(path, at, kind,
                                      ' '.join(x.strip() for x in
                                               lines[at:at + n]), '\t\t;', n,
                                      lines))
        if ended:
            comment = False
    return out


def key(text):
    return hashlib.sha1(text.encode()).hexdigest()[:16]


class Build:
    """The programs, linked so that a mutant is one small library."""

    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        self.work = os.path.join(self.folder, 'mutants')
        for d in ['none', 'coverage', 'bin', 'gcov']:
            os.makedirs(os.path.join(self.work, d), exist_ok=True)
        with open(os.path.join(self.folder, 'compile_commands.json')) as f:
            self.compile = {
                os.path.relpath(c['file'], TOP): c['command']
                for c in json.load(f)}
        self.programs = {}
        self.library()
        tests = json.loads(subprocess.run(
            ['ctest', '--show-only=json-v1', '-LE',
             'long|stress|lint|corpus|smoke'], cwd=self.folder,
            capture_output=True, check=True).stdout)['tests']
        self.tests = {t['name']: t for t in tests
                      if any(w in self.programs
                             for w in t.get('command', []))}
        self.seconds = {}
        self.code = {}  # by file: lines with code
        self.reach = {}  # by test: what ran, as file:line

    def library(self):
        """The library as it is, and the programs linked with it."""
        plain = os.path.join(self.work, 'libplain.so')
        new = os.path.join(self.work, 'new%d' % os.getpid())
        libs_of_all = None
        links = {}
        for link in glob.glob(self.folder + '/CMakeFiles/*.dir/link.txt'):
            with open(link) as f:
                words = shlex.split(f.read().split('\n')[0])
            if '-o' in words and 'libephmap.a' in words:
                links[words[words.index('-o') + 1]] = words
                at = len(words) - words[::-1].index('libephmap.a')
                libs = [w for w in words[at:] if w.startswith('-l') or
                        '.so' in w]
                if libs_of_all is None or len(libs) < len(libs_of_all):
                    libs_of_all = libs
        self.run(['cc', '-shared', '-Wl,-soname,libplain.so', '-o', new,
                  '-Wl,--whole-archive',
                  'libephmap.a', '-Wl,--no-whole-archive', '-lbsd'] +
                 [w for w in libs_of_all if 'cunit' not in w])
        os.rename(new, plain)
        nothing = os.path.join(self.work, 'none', 'libmutant.so')
        self.run(['cc', '-shared', '-Wl,-soname,libmutant.so', '-o', new,
                  '-x', 'c', '/dev/null'])
        os.rename(new, nothing)
        for out, words in links.items():
            at = words.index('libephmap.a')
            made = os.path.join(self.work, 'bin', os.path.basename(out))
            program = os.path.join(self.folder, out)
            self.programs[program] = made
            if os.path.exists(made) and \
                    os.path.getmtime(made) > os.path.getmtime(program):
                continue
            words[words.index('-o') + 1] = new
            words = [w for w in words if 'whole-archive' not in w]
            at = words.index('libephmap.a')
            words[at:at + 1] = ['-Wl,--no-as-needed', nothing, plain]
            words = [w for w in words if w != 'libephmap.a']
            self.run(words + ['-Wl,-rpath,%s:%s' %
                              (os.path.dirname(nothing), self.work)])
            os.rename(new, made)

    def run(self, words):
        done = subprocess.run(words, cwd=self.folder, capture_output=True)
        if done.returncode != 0:
            sys.exit('%s\n%s' % (' '.join(words), done.stderr.decode()))

    def compiled(self, path, source, out, more):
        """Compile as the library does, but for optimisation; False: not C."""
        words = [w for w in shlex.split(self.compile[path])
                 if not w.startswith(('-W', '-O')) and w != '-c' and
                 not w.endswith('.c')]
        if words[0].endswith('ccache'):
            words = words[1:]
        words[words.index('-o') + 1] = out
        return subprocess.run(
            words + ['-w', '-Werror=return-type', '-O1'] + more + [source],
            cwd=self.folder, capture_output=True).returncode == 0

    def mutant(self, m, where):
        """A library of the changed file in WHERE; False: not C."""
        source = os.path.join(where, 'mutant.c')
        with open(source, 'w') as f:
            f.write(m.source())
        return self.compiled(m.path, source,
                             os.path.join(where, 'libmutant.so'), ['-shared'])

    def outcome(self, name, where, more=None, limit=None):
        """How the test ended with WHERE's library, and its time."""
        t = self.tests[name]
        command = [self.programs.get(w, w) for w in t['command']]
        folder = self.folder
        env = dict(os.environ, LD_LIBRARY_PATH=where, TMPDIR=where,
                   **(more or {}))
        for p in t.get('properties', []):
            if p['name'] == 'WORKING_DIRECTORY':
                folder = p['value']
            if p['name'] == 'ENVIRONMENT':
                env.update(v.split('=', 1) for v in p['value'])
        bounds = ['prlimit', '--core=0', '--fsize=%d' % (1 << 28)]
        if limit:
            bounds.append('--cpu=%d:%d' % (limit, limit + 1))
        child = subprocess.Popen(
            bounds + command, cwd=folder, env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        t0 = time.time()
        late = threading.Timer(10 + 10 * limit if limit else 1200, os.killpg,
                               (child.pid, signal.SIGKILL))
        late.start()
        _, status, usage = os.wait4(child.pid, 0)
        late.cancel()
        child.returncode = status
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        seconds = usage.ru_utime + usage.ru_stime
        if status == 0:
            return 'passed', seconds
        if limit and (seconds >= limit or time.time() - t0 >= 10 + 10 * limit):
            return 'time', seconds
        return 'failed', seconds

    def coverage(self, files, jobs):
        """Which tests reach which line, by gcov; kept until sources change."""
        library = os.path.join(self.work, 'coverage')
        texts = ''.join(open(os.path.join(TOP, f)).read() for f in files)
        digest = {}
        stale = collections.deque()
        for name, t in self.tests.items():
            state = texts
            for w in t['command']:
                if os.path.isfile(w) and w.startswith((TOP, self.folder)):
                    if w not in digest:
                        with open(w, 'rb') as f:
                            digest[w] = hashlib.sha1(f.read()).hexdigest()
                    state += digest[w]
            state = key(state)
            kept = os.path.join(self.work, 'gcov', name + '.json')
            try:
                with open(kept) as f:
                    old = json.load(f)
                if old['state'] == state:
                    self.keep(name, old)
                    continue
            except (OSError, ValueError):
                pass
            stale.append((name, state, kept))
        if not stale:
            return
        made = os.path.join(library, 'made')
        if not os.path.exists(made) or open(made).read() != key(texts):
            parallel(files, jobs, lambda f, _: self.compiled(
                f, os.path.join(TOP, f), self.object(f),
                ['-c', '--coverage']))
            self.run(['cc', '-shared', '--coverage', '-o',
                      os.path.join(library, 'libmutant.so')] +
                     [self.object(f) for f in files])
            with open(made, 'w') as f:
                f.write(key(texts))
        parallel(stale, jobs, lambda s, _: self.reached(library, *s))

    def object(self, path):
        return os.path.join(self.work, 'coverage',
                            os.path.basename(path)[:-2] + '.o')

    def reached(self, library, name, state, kept):
        data = os.path.join(self.work, 'gcov', name)
        os.makedirs(data, exist_ok=True)
        for old in glob.glob(data + '/*.gcda'):
            os.remove(old)
        how, seconds = self.outcome(
            name, library, {'GCOV_PREFIX': data, 'GCOV_PREFIX_STRIP': '99'})
        new = {'state': state, 'code': {}, 'run': []}
        if how != 'passed':  # too slow, or looks at memory: for any line
            new['run'] = None
            how, seconds = self.outcome(name, os.path.join(self.work, 'none'))
        if how != 'passed':
            print('left out, as it fails without a mutant: ' + name,
                  flush=True)
            return
        counted = sorted(glob.glob(data + '/*.gcda'))
        for f in counted:
            note = os.path.basename(f)[:-5] + '.gcno'
            if not os.path.exists(os.path.join(data, note)):
                os.symlink(os.path.join(library, note),
                           os.path.join(data, note))
        out = subprocess.run(
            ['gcov', '--json-format', '--stdout'] + counted, cwd=data,
            capture_output=True, check=True).stdout.decode() if counted else ''
        for text in out.splitlines():
            for f in json.loads(text)['files']:
                path = os.path.relpath(f['file'], TOP)
                if not path.endswith('.c') or new['run'] is None:
                    continue
                new['code'][path] = [x['line_number'] for x in f['lines']]
                new['run'] += ['%s:%d' % (path, x['line_number'])
                               for x in f['lines'] if x['count'] > 0]
        new['seconds'] = seconds
        self.keep(name, new)
        with open(kept, 'w') as f:
            json.dump(new, f)

    def keep(self, name, new):
        self.seconds[name] = new['seconds']
        if not self.code:
            self.code = new['code']
        self.reach[name] = None if new['run'] is None else \
            set(sys.intern(at) for at in new['run'])

    def reaches(self, name, m):
        """Whether the test comes by: at the line, or where code is before."""
        line = max((n for n in self.code.get(m.path, []) if n <= m.at + 1),
                   default=0)
        return self.reach[name] is None or \
            '%s:%d' % (m.path, line) in self.reach[name]


class Order:
    """Tests by how often, and how soon, they killed in a file and folder."""

    def __init__(self, build, every, only):
        self.build, self.every, self.only = build, every, only
        self.kills = collections.Counter()
        self.runs = collections.Counter()

    def of(self, m):
        own = 'test_' + os.path.basename(m.path)[:-2]

        def rank(name):
            where = [m.path, os.path.dirname(m.path)]
            kills = sum(self.kills[w, name] / (i + 1)
                        for i, w in enumerate(where))
            runs = sum(self.runs[w, name] / (i + 1)
                       for i, w in enumerate(where))
            chance = (kills + 0.3) / (runs + 1)
            if name.endswith('.' + own):
                chance += 1
            if self.build.reach[name] is None:
                chance /= 100
            return -chance / (self.build.seconds[name] + 0.02)
        return sorted((n for n in self.build.reach
                       if (not self.only or n.split('.')[1] in self.only) and
                       (self.every or n.endswith('.' + own) or
                       self.build.reaches(n, m))), key=rank)

    def note(self, path, name, killed):
        for w in [path, os.path.dirname(path)]:
            self.runs[w, name] += 1
            self.kills[w, name] += killed


def parallel(what, jobs, do):
    """do(one, worker) for each, by so many threads, until it returns True."""
    todo = queue.SimpleQueue()
    for one in what:
        todo.put(one)
    end = threading.Event()

    def work(worker):
        while not end.is_set():
            try:
                one = todo.get_nowait()
            except queue.Empty:
                return
            if do(one, worker) == 'end':
                end.set()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for done in [pool.submit(work, n) for n in range(jobs)]:
            done.result()


def explained():
    out = {}
    with open(os.path.join(HERE, 'equivalent.txt')) as f:
        for line in f:
            if line.strip() and not line.startswith('#'):
                path, old, new, why = line.rstrip('\n').split('\t')
                out[path, old, new] = why
    return out


class Judge:
    def __init__(self, build, order, a):
        self.build, self.order, self.a = build, order, a
        self.known, self.past = explained(), {}
        self.count = collections.Counter()
        self.lock = threading.Lock()
        self.t0 = time.time()
        if a.journal and os.path.exists(a.journal):
            with open(a.journal) as f:
                for line in f:
                    how, by, text = line.rstrip('\n').split('\t')
                    if how != 'open' or a.first and not a.test:
                        self.past[text] = how, by
                    if by in build.reach:
                        order.note(text.split(':')[0], by, True)

    def verdict(self, m, worker):
        """How it ended, and by which test."""
        where = os.path.join(self.build.work,
                             'job%d.%d' % (os.getpid(), worker))
        os.makedirs(where, exist_ok=True)
        if not self.build.mutant(m, where):
            return 'not compiled', ''
        spent = 0
        for name in self.order.of(m):
            if self.a.first and spent > self.a.first:
                break
            limit = 1 + int(4 * self.build.seconds[name])
            how, seconds = self.build.outcome(name, where, limit=limit)
            spent += seconds
            with self.lock:
                self.order.note(m.path, name, how != 'passed')
                if how == 'passed':  # gcov was slower
                    self.build.seconds[name] = min(
                        self.build.seconds[name], seconds)
            if how != 'passed':
                return 'killed' if how == 'failed' else 'killed by time', name
        return 'open' if self.a.first or self.a.test else 'survived', ''

    def one(self, m, worker):
        if time.time() - self.t0 > self.a.seconds:
            return 'end'
        if (m.path, m.old.strip(), m.new.strip()) in self.known:
            how, by = 'explained', ''
        elif m.text() in self.past:
            how, by = self.past[m.text()]
        else:
            how, by = self.verdict(m, worker)
            if self.a.journal:
                with self.lock, open(self.a.journal, 'a') as f:
                    f.write('%s\t%s\t%s\n' % (how, by, m.text()))
        with self.lock:
            self.count[how] += 1
            if how in ('survived', 'open'):
                print(how + ': ' + m.text(), flush=True)
                self.count['dropped'] += m.kind == 'no invalidation'
            if sys.stderr.isatty():
                print('\r%s' % dict(self.count), end='', file=sys.stderr)
        return ''

    def report(self, of):
        c = self.count
        killed = c['killed'] + c['killed by time']
        tried = killed + c['survived'] + c['open']
        print('%d of %d mutants, seed %d: %d killed (%.1f %%, %d of them by '
              'time), %d survived, %d open, %d of both dropped invalidations; '
              '%d explained, %d not compiled; %.0f s' %
              (tried + c['explained'] + c['not compiled'], of, self.a.seed,
               killed, 100 * killed / max(tried, 1), c['killed by time'],
               c['survived'], c['open'], c['dropped'], c['explained'],
               c['not compiled'], time.time() - self.t0))
        return 1 if killed < 0.98 * tried or c['dropped'] else 0


def main():
    p = argparse.ArgumentParser()
    p.add_argument('build')
    p.add_argument('--number', type=int)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--only', action='append')
    p.add_argument('--kind', action='append')
    p.add_argument('--at', action='append')  # FILE:LINE
    p.add_argument('--list', action='store_true')
    p.add_argument('--every-test', action='store_true')
    p.add_argument('--jobs', type=int, default=2)
    p.add_argument('--test', action='append')
    p.add_argument('--journal')
    p.add_argument('--first', type=float)
    p.add_argument('--seconds', type=int, default=1 << 30)
    a = p.parse_args()
    files = sorted(os.path.relpath(f, TOP) for d in FOLDERS
                   for f in glob.glob(os.path.join(TOP, 'src', d, '*.c')))
    every = [m for f in files if not a.only or any(w in f for w in a.only)
             for m in mutants_of(f)
             if (not a.kind or m.kind in a.kind) and
             (not a.at or '%s:%d' % (f, m.at + 1) in a.at)]
    random.Random(a.seed).shuffle(every)
    if a.list:
        for m in every:
            print(m.text())
        print('%d mutants' % len(every))
        return 0
    build = Build(a.build)
    build.coverage(files, a.jobs)
    judge = Judge(build, Order(build, a.every_test, a.test), a)
    parallel(every[:a.number], a.jobs, judge.one)
    return judge.report(len(every))


sys.exit(main())
