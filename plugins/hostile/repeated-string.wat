;; Labels a thousand spans with the same 64 KiB: 64 MiB for the host out of hardly any memory of the guest.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (local $spans i32) (local $index i32) (local $span i32)
  (call $score (local.get $outcome) (f64.const 1) (f64.const 1))
  (local.set $spans (call $alloc (i32.const 16000)))
  (block $end
    (loop $next
      (br_if $end (i32.eq (local.get $index) (i32.const 1000)))
      (local.set $span (i32.add (local.get $spans) (i32.mul (local.get $index) (i32.const 16))))
      (i32.store offset=4 (local.get $span) (i32.const 1))
      (call $pair (i32.add (local.get $span) (i32.const 8)) (i32.const 0) (i32.const 65536))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br $next)))
  (call $pair (i32.add (local.get $outcome) (i32.const 12)) (local.get $spans) (i32.const 1000)))
