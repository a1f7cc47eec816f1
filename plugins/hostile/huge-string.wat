;; Explains at a length of 32 MiB why a response does not apply; the memory is within the limit.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (drop (memory.grow (i32.const 512)))
  (i32.store8 (local.get $outcome) (i32.const 1))
  (call $pair (i32.add (local.get $outcome) (i32.const 4)) (i32.const 0) (i32.const 33554432)))
