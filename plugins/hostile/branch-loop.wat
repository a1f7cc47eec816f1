;; Loops through a table of branches.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (loop $more
    (block $a (block $b (br_table $a $b $a (i32.load (i32.const 0)))))
    (br $more)))
