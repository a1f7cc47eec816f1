;; Logs 64 KiB at a time without end.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (loop $forever
    (call $log (i32.const 0) (i32.const 0) (i32.const 65536))
    (br $forever)))
