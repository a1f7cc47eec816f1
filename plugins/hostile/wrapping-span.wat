;; Marks a stretch whose ends are the largest numbers there are.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (local $span i32)
  (call $score (local.get $outcome) (f64.const 1) (f64.const 1))
  (local.set $span (call $alloc (i32.const 16)))
  (i32.store (local.get $span) (i32.const -1))
  (i32.store offset=4 (local.get $span) (i32.const -1))
  (call $pair (i32.add (local.get $span) (i32.const 8)) (i32.const 1024) (i32.const 7))
  (call $pair (i32.add (local.get $outcome) (i32.const 12)) (local.get $span) (i32.const 1)))
