;; Copies memory to and fro without end.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (loop $more
    (memory.copy (i32.const 65536) (i32.const 0) (i32.const 65536))
    (br $more)))
