;; Never says what it is.

;; section: describe
(func (export "INTERFACE#describe") (result i32)
  (loop $forever (br $forever))
  (unreachable))
