;; Leaves marks wherever something could outlast a call, and scores by those that it finds: in memory and in a table, in what
;; it had from the start and in what it took.

;; section: table
(table $marks 4 funcref)
(func $mark)
(elem declare func $mark)

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (drop (memory.grow (i32.const 16)))
  (drop (table.grow $marks (ref.null func) (i32.const 4)))
  (call $score
    (local.get $outcome)
    (f64.convert_i32_u
      (i32.or
        (i32.or (i32.load (i32.const 120000)) (i32.load (i32.const 800000)))
        (i32.or
          (i32.eqz (ref.is_null (table.get $marks (i32.const 1))))
          (i32.eqz (ref.is_null (table.get $marks (i32.const 6)))))))
    (f64.const 1))
  (i32.store (i32.const 120000) (i32.const 1))
  (i32.store (i32.const 800000) (i32.const 1))
  (table.set $marks (i32.const 1) (ref.func $mark))
  (table.set $marks (i32.const 6) (ref.func $mark)))
