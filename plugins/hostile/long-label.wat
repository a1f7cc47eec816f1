;; Labels a stretch with 60 KiB.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (local $span i32)
  (call $score (local.get $outcome) (f64.const 1) (f64.const 1))
  (local.set $span (call $alloc (i32.const 16)))
  (i32.store (local.get $span) (i32.const 0))
  (i32.store offset=4 (local.get $span) (i32.const 1))
  (call $pair (i32.add (local.get $span) (i32.const 8)) (i32.const 0) (i32.const 61440))
  (call $pair (i32.add (local.get $outcome) (i32.const 12)) (local.get $span) (i32.const 1)))
