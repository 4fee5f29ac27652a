/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef EPHMAP_KERNEL_NAMES_H
#define EPHMAP_KERNEL_NAMES_H

/*
 * The kernels' words for what the headers of this folder declare.
 *
 * In the library every global name begins with eph_, so that it can stand
 * in one program with anybody's panic() or wakeup().  Code that speaks as
 * kernels do includes this file, before or after the others, and writes
 * sf_buf_alloc().  Who has a function of the same name takes the word back
 * with #undef.  A word that also names a field or a structure somewhere is
 * a macro with arguments, which leaves those alone.
 */

/* clang-format off */
#define M_ALIGN eph_M_ALIGN
#define M_LEADINGSPACE eph_M_LEADINGSPACE
#define M_MOVE_PKTHDR eph_M_MOVE_PKTHDR
#define M_PREPEND eph_M_PREPEND
#define M_TRAILINGSPACE eph_M_TRAILINGSPACE
#define M_WRITABLE eph_M_WRITABLE
#define bread eph_bread
#define brelse eph_brelse
#define buf_read eph_buf_read
#define bufcache_create eph_bufcache_create
#define bufcache_destroy eph_bufcache_destroy
#define bufcache_stat(...) eph_bufcache_stat(__VA_ARGS__)
#define copyin eph_copyin
#define copyout eph_copyout
#define crit_enter eph_crit_enter
#define crit_exit eph_crit_exit
#define exec_check_header eph_exec_check_header
#define exec_map_first_page eph_exec_map_first_page
#define exec_unmap_first_page eph_exec_unmap_first_page
#define iov_to_uio eph_iov_to_uio
#define ipiq_attach eph_ipiq_attach
#define ipiq_shutdown eph_ipiq_shutdown
#define kern_sendfile eph_kern_sendfile
#define kva_alloc eph_kva_alloc
#define kva_fix_table eph_kva_fix_table
#define kva_free eph_kva_free
#define kva_has_entry eph_kva_has_entry
#define kva_usage eph_kva_usage
#define kva_window eph_kva_window
#define lwbuf_alloc eph_lwbuf_alloc
#define lwbuf_free eph_lwbuf_free
#define lwbuf_kva eph_lwbuf_kva
#define lwbuf_page eph_lwbuf_page
#define lwbuf_pool_create eph_lwbuf_pool_create
#define lwbuf_pool_design eph_lwbuf_pool_design
#define lwbuf_pool_destroy eph_lwbuf_pool_destroy
#define lwbuf_pool_state eph_lwbuf_pool_state
#define lwbuf_set_global eph_lwbuf_set_global
#define lwkt_ipiq_make_room eph_lwkt_ipiq_make_room
#define lwkt_ipiq_pending eph_lwkt_ipiq_pending
#define lwkt_process_ipiq eph_lwkt_process_ipiq
#define lwkt_send_ipiq eph_lwkt_send_ipiq
#define lwkt_send_ipiq_mask eph_lwkt_send_ipiq_mask
#define lwkt_send_ipiq_nowait eph_lwkt_send_ipiq_nowait
#define lwkt_send_ipiq_passive eph_lwkt_send_ipiq_passive
#define lwkt_wait_ipiq eph_lwkt_wait_ipiq
#define m_adj eph_m_adj
#define m_append eph_m_append
#define m_cat eph_m_cat
#define m_clget eph_m_clget
#define m_copydata eph_m_copydata
#define m_copym eph_m_copym
#define m_defrag eph_m_defrag
#define m_devget eph_m_devget
#define m_dup eph_m_dup
#define m_dup_pkthdr eph_m_dup_pkthdr
#define m_extadd eph_m_extadd
#define m_extmap eph_m_extmap
#define m_extshare eph_m_extshare
#define m_fixhdr eph_m_fixhdr
#define m_fragment eph_m_fragment
#define m_free eph_m_free
#define m_freem eph_m_freem
#define m_get eph_m_get
#define m_get_clrd eph_m_get_clrd
#define m_getcl eph_m_getcl
#define m_gethdr eph_m_gethdr
#define m_getm eph_m_getm
#define m_host eph_m_host
#define m_label eph_m_label
#define m_length eph_m_length
#define m_prepend eph_m_prepend
#define m_pullup eph_m_pullup
#define m_sanity eph_m_sanity
#define m_split eph_m_split
#define m_stress eph_m_stress
#define m_tag_alloc eph_m_tag_alloc
#define m_tag_copy eph_m_tag_copy
#define m_tag_copy_chain eph_m_tag_copy_chain
#define m_tag_data eph_m_tag_data
#define m_tag_delete eph_m_tag_delete
#define m_tag_delete_chain eph_m_tag_delete_chain
#define m_tag_find eph_m_tag_find
#define m_tag_free eph_m_tag_free
#define m_tag_locate eph_m_tag_locate
#define m_tag_prepend eph_m_tag_prepend
#define m_tag_unlink eph_m_tag_unlink
#define m_uiotombuf eph_m_uiotombuf
#define mbuf_allocator eph_mbuf_allocator
#define mbuf_clock eph_mbuf_clock
#define mbuf_clock_max eph_mbuf_clock_max
#define mbuf_counter_desc eph_mbuf_counter_desc
#define mbuf_counter_name eph_mbuf_counter_name
#define mbuf_counter_value eph_mbuf_counter_value
#define mbuf_counters(...) eph_mbuf_counters(__VA_ARGS__)
#define mbuf_label_deregister eph_mbuf_label_deregister
#define mbuf_label_register eph_mbuf_label_register
#define mbuf_pool_check eph_mbuf_pool_check
#define mbuf_pool_create eph_mbuf_pool_create
#define mbuf_pool_destroy eph_mbuf_pool_destroy
#define mbuf_pool_machine eph_mbuf_pool_machine
#define mbuf_pool_set_design eph_mbuf_pool_set_design
#define mbuf_pool_set_stress eph_mbuf_pool_set_stress
#define mbuf_sharing eph_mbuf_sharing
#define mbuf_stats(...) eph_mbuf_stats(__VA_ARGS__)
#define mbuf_stats_print eph_mbuf_stats_print
#define md_create eph_md_create
#define md_destroy eph_md_destroy
#define md_strategy eph_md_strategy
#define msf_buf_bytes eph_msf_buf_bytes
#define msf_buf_free eph_msf_buf_free
#define msf_buf_kva eph_msf_buf_kva
#define msf_buf_pages eph_msf_buf_pages
#define msf_buf_pool_create eph_msf_buf_pool_create
#define msf_buf_pool_destroy eph_msf_buf_pool_destroy
#define msf_buf_pool_state eph_msf_buf_pool_state
#define msf_map_pagelist eph_msf_map_pagelist
#define msg_read eph_msg_read
#define msg_receive eph_msg_receive
#define msg_reply eph_msg_reply
#define msg_send eph_msg_send
#define msg_wait eph_msg_wait
#define msgport_close eph_msgport_close
#define msgport_create eph_msgport_create
#define msgport_destroy eph_msgport_destroy
#define msleep eph_msleep
#define msleep_done eph_msleep_done
#define msleep_until eph_msleep_until
#define ssleep_until eph_ssleep_until
#define mutex_enter eph_mutex_enter
#define mutex_exit eph_mutex_exit
#define mutex_init eph_mutex_init
#define mutex_owned eph_mutex_owned
#define objcache_check eph_objcache_check
#define objcache_create eph_objcache_create
#define objcache_create_mbacked eph_objcache_create_mbacked
#define objcache_create_simple eph_objcache_create_simple
#define objcache_destroy eph_objcache_destroy
#define objcache_dtor eph_objcache_dtor
#define objcache_get eph_objcache_get
#define objcache_malloc_alloc eph_objcache_malloc_alloc
#define objcache_malloc_alloc_zero eph_objcache_malloc_alloc_zero
#define objcache_malloc_free eph_objcache_malloc_free
#define objcache_nop_alloc eph_objcache_nop_alloc
#define objcache_nop_free eph_objcache_nop_free
#define objcache_put eph_objcache_put
#define objcache_reclaimlist eph_objcache_reclaimlist
#define objcache_set_cluster_limit eph_objcache_set_cluster_limit
#define objcache_stats(...) eph_objcache_stats(__VA_ARGS__)
#define panic eph_panic
#define pipe_close_read eph_pipe_close_read
#define pipe_close_write eph_pipe_close_write
#define pipe_create eph_pipe_create
#define pipe_destroy eph_pipe_destroy
#define pipe_read eph_pipe_read
#define pipe_write eph_pipe_write
#define pmap_flush_local eph_pmap_flush_local
#define pmap_invalidate_range eph_pmap_invalidate_range
#define pmap_invlpg eph_pmap_invlpg
#define pmap_kenter eph_pmap_kenter
#define pmap_kenter_quick eph_pmap_kenter_quick
#define pmap_kenter_sync eph_pmap_kenter_sync
#define pmap_kenter_sync_quick eph_pmap_kenter_sync_quick
#define pmap_kextract eph_pmap_kextract
#define pmap_kremove eph_pmap_kremove
#define pmap_kremove_quick eph_pmap_kremove_quick
#define pmap_pte_load eph_pmap_pte_load
#define pmap_pte_store eph_pmap_pte_store
#define pmap_pte_swap eph_pmap_pte_swap
#define pmap_qenter eph_pmap_qenter
#define pmap_qenter2 eph_pmap_qenter2
#define pmap_qremove eph_pmap_qremove
#define proc_rwmem eph_proc_rwmem
#define rawio_begin eph_rawio_begin
#define rawio_end eph_rawio_end
#define rawio_strategy eph_rawio_strategy
#define sb_lock eph_sb_lock
#define sb_unlock eph_sb_unlock
#define sbappend eph_sbappend
#define sbappend_locked eph_sbappend_locked
#define sbcut_locked eph_sbcut_locked
#define sbdrop eph_sbdrop
#define sbspace_locked eph_sbspace_locked
#define sbwait_locked eph_sbwait_locked
#define sendfile_page eph_sendfile_page
#define sf_buf_alloc eph_sf_buf_alloc
#define sf_buf_free eph_sf_buf_free
#define sf_buf_kva eph_sf_buf_kva
#define sf_buf_page eph_sf_buf_page
#define sf_buf_pool_create eph_sf_buf_pool_create
#define sf_buf_pool_design eph_sf_buf_pool_design
#define sf_buf_pool_destroy eph_sf_buf_pool_destroy
#define sf_buf_pool_state eph_sf_buf_pool_state
#define sf_buf_ref eph_sf_buf_ref
#define sleepq_signal eph_sleepq_signal
#define sleepq_waiting eph_sleepq_waiting
#define smp_invltlb eph_smp_invltlb
#define smp_masked_invlpg eph_smp_masked_invlpg
#define socantsendmore eph_socantsendmore
#define sockbuf_fini eph_sockbuf_fini
#define sockbuf_init eph_sockbuf_init
#define sosend_copyin eph_sosend_copyin
#define sowakeup eph_sowakeup
#define sowakeup_locked eph_sowakeup_locked
#define spin_enter eph_spin_enter
#define spin_exit eph_spin_exit
#define ssleep eph_ssleep
#define tsleep eph_tsleep
#define uio_free eph_uio_free
#define uiomove eph_uiomove
#define uiomove_fromphys eph_uiomove_fromphys
#define uspace_cow eph_uspace_cow
#define uspace_cow_copies eph_uspace_cow_copies
#define uspace_create eph_uspace_create
#define uspace_destroy eph_uspace_destroy
#define uspace_enter eph_uspace_enter
#define uspace_give eph_uspace_give
#define uspace_hold eph_uspace_hold
#define uspace_machine eph_uspace_machine
#define uspace_map eph_uspace_map
#define uspace_page eph_uspace_page
#define uspace_protect eph_uspace_protect
#define uspace_set_fault eph_uspace_set_fault
#define uspace_steal eph_uspace_steal
#define uspace_unmap eph_uspace_unmap
#define vm_page_contents eph_vm_page_contents
#define vm_page_dirty eph_vm_page_dirty
#define vm_page_get eph_vm_page_get
#define vm_page_hold eph_vm_page_hold
#define vm_page_to_phys eph_vm_page_to_phys
#define vm_page_unhold eph_vm_page_unhold
#define vm_page_unwire eph_vm_page_unwire
#define vm_page_wire eph_vm_page_wire
#define vm_pages_wired eph_vm_pages_wired
#define vm_pool_alloc eph_vm_pool_alloc
#define vm_pool_create eph_vm_pool_create
#define vm_pool_destroy eph_vm_pool_destroy
#define vm_pool_free eph_vm_pool_free
#define vm_pool_held eph_vm_pool_held
#define vm_pool_machine eph_vm_pool_machine
#define vm_pool_used eph_vm_pool_used
#define vm_pool_wired eph_vm_pool_wired
#define vnode_pager_input_smlfs eph_vnode_pager_input_smlfs
#define vnode_pager_zero_tail eph_vnode_pager_zero_tail
#define wakeup(...) eph_wakeup(__VA_ARGS__)
#define wakeup_mycpu eph_wakeup_mycpu
#define wakeup_one eph_wakeup_one
#define xio_copy_ktox eph_xio_copy_ktox
#define xio_copy_utox eph_xio_copy_utox
#define xio_copy_xtok eph_xio_copy_xtok
#define xio_copy_xtou eph_xio_copy_xtou
#define xio_init eph_xio_init
#define xio_init_kbuf eph_xio_init_kbuf
#define xio_init_pages eph_xio_init_pages
#define xio_init_ubuf eph_xio_init_ubuf
#define xio_kvaoffset eph_xio_kvaoffset
#define xio_release eph_xio_release
#define xio_remaining eph_xio_remaining
#define xio_uio_copy eph_xio_uio_copy

/* Words of malloc(9), of sleeping and of mbufs that a host may have. */
#ifndef M_NOWAIT
#define M_NOWAIT EPH_M_NOWAIT
#endif
#ifndef M_WAITOK
#define M_WAITOK EPH_M_WAITOK
#endif
#ifndef M_ZERO
#define M_ZERO EPH_M_ZERO
#endif
#ifndef M_NULLOK
#define M_NULLOK EPH_M_NULLOK
#endif
#ifndef PCATCH
#define PCATCH EPH_PCATCH
#endif
#ifndef MSIZE
#define MSIZE EPH_MSIZE
#endif
#ifndef MCLBYTES
#define MCLBYTES EPH_MCLBYTES
#endif

#endif /* !EPHMAP_KERNEL_NAMES_H */
