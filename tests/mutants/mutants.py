#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Mutants: do the tests notice when the code is wrong?
#
#	tests/mutants/mutants.py [--number N] [--seed N] [--only WORD]...
#	    [--kind KIND]... [--at FILE:LINE]... [--seconds N] [--list] [--whole]
#	    BUILD
#
# BUILD is a folder in which everything was built with make (the preset release
# is).  One change at a time is made to a file of design, machine, kern,
# shootdown or policy.  Only that file is compiled, with -O1, and put before
# the library where a test is linked again, as in BUILD; the tests of the
# default run that killed others of that folder fastest come first.  A mutant
# that a few of them do not kill meets, with --whole, all of them.
#
# Prints a line for each mutant that survived, and at the end how many were
# killed.  Those in equivalent.txt change nothing that can be seen, and are
# counted apart: FILE, a tab, the mutated line without blanks around it, a tab,
# KIND or `any', a tab, and why.

import argparse
import collections
import glob
import json
import os
import random
import re
import shlex
import subprocess
import sys
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
SKIP = re.compile(r'KASSERT|PANIC|EPH_NOTE|^\s*#|^\s*/?\*|//|static inline|'
                  r'sizeof|EPH_POINT|prefetch|^\w')
FIRST = 5  # tests that a mutant meets without --whole


class Mutant:
    def __init__(self, path, at, kind, old, new, lines):
        self.path, self.at, self.kind = path, at, kind
        self.old, self.new, self.lines = old, new, lines

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
    inside = comment = False
    for at, line in enumerate(lines):
        comment = comment or line.strip().startswith('/*')
        ended = comment and '*/' in line
        if line.startswith('{'):
            inside = True
        if line.startswith('}'):
            inside = False
        if inside and not comment and not SKIP.search(line):
            for kind, what, instead in SWAPS:
                for m in re.finditer(what, line):
                    new = line[:m.start()] + instead + line[m.end():]
                    if instead == 'if (!':
                        new = re.sub(r'if \((.*)\)$', r'if (!(\1))', line)
                    out.append(Mutant(path, at, kind, line, new, 1))
            for kind, what in DROPS:
                m = re.match(r'\s+(\(void\))?' + what + r'\(', line)
                n = statement(lines, at) if m else None
                if n:
                    out.append(Mutant(path, at, kind,
                                      ' '.join(x.strip() for x in
                                               lines[at:at + n]), '\t\t;', n))
        if ended:
            comment = False
    return out


class Build:
    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        self.work = os.path.join(self.folder, 'mutants-%d' % os.getpid())
        os.makedirs(self.work, exist_ok=True)
        with open(os.path.join(self.folder, 'compile_commands.json')) as f:
            self.compile = {
                os.path.relpath(c['file'], TOP): c['command']
                for c in json.load(f)}
        self.links = {}
        for d in os.listdir(os.path.join(self.folder, 'CMakeFiles')):
            link = os.path.join(self.folder, 'CMakeFiles', d, 'link.txt')
            if d.endswith('.dir') and os.path.exists(link):
                with open(link) as f:
                    words = shlex.split(f.read().split('\n')[0])
                if '-o' in words and 'libephmap.a' in words:
                    out = words[words.index('-o') + 1]
                    self.links[os.path.join(self.folder, out)] = words
        tests = json.loads(subprocess.run(
            ['ctest', '--show-only=json-v1', '-LE',
             'long|stress|lint|corpus'], cwd=self.folder,
            capture_output=True, check=True).stdout)['tests']
        self.tests = {t['name']: t for t in tests
                      if any(w in self.links for w in t.get('command', []))}

    def object(self, m):
        """Compile; None when the compiler refuses."""
        source = os.path.join(self.work, 'mutant.c')
        with open(os.path.join(TOP, m.path)) as f:
            lines = f.read().split('\n')
        lines[m.at:m.at + m.lines] = [m.new]
        with open(source, 'w') as f:
            f.write('\n'.join(lines))
        words = shlex.split(self.compile[m.path])
        words = [w for w in words if not w.startswith('-W') and w != '-c' and
                 not w.endswith('.c')]
        if words[0].endswith('ccache'):
            words = words[1:]
        obj = os.path.join(self.work, 'mutant.o')
        words[words.index('-o') + 1] = obj
        done = subprocess.run(
            words + ['-w', '-Werror=return-type', '-O1', '-c', source],
            cwd=self.folder, capture_output=True)
        return obj if done.returncode == 0 else None

    def link(self, program, obj, made):
        if program in made:
            return made[program]
        words = list(self.links[program])
        at = words.index('-o') + 1
        words[at] = os.path.join(self.work, os.path.basename(program))
        # The first of two definitions counts.
        first = words.index('libephmap.a')
        while first > 0 and 'whole-archive' in words[first - 1]:
            first -= 1
        words[first:first] = ['-Wl,--allow-multiple-definition', obj]
        subprocess.run(words, cwd=self.folder, check=True,
                       capture_output=True)
        made[program] = words[at]
        return words[at]

    def passes(self, name, obj, made):
        t = self.tests[name]
        command = [self.link(w, obj, made) if w in self.links else w
                   for w in t['command']]
        where = self.folder
        for p in t.get('properties', []):
            if p['name'] == 'WORKING_DIRECTORY':
                where = p['value']
        try:
            return subprocess.run(command, cwd=where, timeout=60,
                                  stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL).returncode == 0
        except subprocess.TimeoutExpired:
            return False


class Order:
    """Tests by how often, and how soon, they killed in a folder."""

    def __init__(self, build):
        self.names = list(build.tests)
        self.kills = collections.Counter()
        self.seconds = collections.defaultdict(lambda: 1.0)

    def of(self, m):
        stem = os.path.basename(m.path)[:-2]
        folder = m.path.split('/')[1]
        likely = {'design': ['model_designs', 'test_museum', 'model_museum',
                             'explore_designs', 'model_events'],
                  'policy': ['test_policy', 'test_policy_hits'],
                  'shootdown': ['test_shootdown_museum', 'model_shootdowns',
                                'explore_shootdown', 'test_shootdown'],
                  'kern': ['model_designs', 'explore_designs'],
                  'machine': ['test_machine', 'test_tlb', 'model_designs']}

        def rank(name):
            short = name.split('.')[1]
            own = short == 'test_' + stem
            guess = likely[folder].index(short) + 1 \
                if short in likely[folder] else 99
            return (not own, -(self.kills[folder, name] + (guess < 99)) /
                    self.seconds[name], guess)
        return sorted(self.names, key=rank)

    def note(self, m, name, seconds, killed):
        self.seconds[name] = seconds
        if killed:
            self.kills[m.path.split('/')[1], name] += 1


def explained():
    out = {}
    with open(os.path.join(HERE, 'equivalent.txt')) as f:
        for line in f:
            if line.strip() and not line.startswith('#'):
                path, text, kind, why = line.rstrip('\n').split('\t')
                out[path, text, kind] = why
    return out


def is_explained(m, known):
    old = m.old.strip()
    return (m.path, old, m.kind) in known or (m.path, old, 'any') in known


def judge(build, order, m, whole):
    """The test that killed it, '' if none did, None if it does not compile."""
    obj = build.object(m)
    if obj is None:
        return None
    made = {}
    names = order.of(m)
    for name in names if whole else names[:FIRST]:
        t0 = time.time()
        killed = not build.passes(name, obj, made)
        order.note(m, name, time.time() - t0, killed)
        if killed:
            return name
    return ''


def main():
    p = argparse.ArgumentParser()
    p.add_argument('build')
    p.add_argument('--number', type=int)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--only', action='append')
    p.add_argument('--kind', action='append')
    p.add_argument('--at', action='append')  # FILE:LINE
    p.add_argument('--list', action='store_true')
    p.add_argument('--whole', action='store_true')
    p.add_argument('--seconds', type=int, default=1 << 30)
    a = p.parse_args()
    files = sorted(os.path.relpath(f, TOP) for d in FOLDERS
                   for f in glob.glob(os.path.join(TOP, 'src', d, '*.c')))
    known = explained()
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
    order = Order(build)
    count = collections.Counter()
    dropped = 0
    t0 = time.time()
    for m in every[:a.number]:
        if time.time() - t0 > a.seconds:
            break
        if is_explained(m, known):
            count['explained'] += 1
            continue
        killer = judge(build, order, m, a.whole)
        if killer is None:
            count['not compiled'] += 1
            continue
        count['killed' if killer else 'survived'] += 1
        if not killer:
            print('survived: ' + m.text(), flush=True)
            dropped += m.kind == 'no invalidation'
        if sys.stderr.isatty():
            print('\r%s' % dict(count), end='', file=sys.stderr)
    tried = count['killed'] + count['survived']
    print('%d of %d mutants: %d killed (%.1f %%), %d survived, %d of them '
          'dropped invalidations; %d explained, %d not compiled; %.0f s' %
          (sum(count.values()), len(every), count['killed'],
           100 * count['killed'] / max(tried, 1), count['survived'], dropped,
           count['explained'], count['not compiled'], time.time() - t0))
    return 1 if count['killed'] < 0.98 * tried or dropped else 0


sys.exit(main())
