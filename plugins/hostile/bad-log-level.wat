;; Logs at a level that does not exist.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (call $log (i32.const 99) (i32.const 1024) (i32.const 7)))
