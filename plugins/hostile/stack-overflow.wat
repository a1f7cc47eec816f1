;; Calls itself without end.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (call $poison (local.get $outcome) (local.get $sample))
  (call $poison (local.get $outcome) (local.get $sample)))
