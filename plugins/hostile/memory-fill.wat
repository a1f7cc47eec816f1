;; Fills memory again and again; each order is one instruction.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (loop $more
    (memory.fill (i32.const 65536) (i32.const 0) (i32.const 65536))
    (br $more)))
