;; Takes memory until it gets none, then gives up as an allocator does.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (loop $more
    (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
  (unreachable))
