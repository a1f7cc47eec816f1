;; Hands back bytes that are no text.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (i32.store (i32.const 4096) (i32.const -1))
  (i32.store8 (local.get $outcome) (i32.const 1))
  (call $pair (i32.add (local.get $outcome) (i32.const 4)) (i32.const 4096) (i32.const 4)))
