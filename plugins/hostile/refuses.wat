;; Honest; refuses its configuration. failure: code 4, message 12.

;; section: prepare
(data (i32.const 1200) "config")
(data (i32.const 1208) "there is no word to look for")
(func (export "INTERFACE#prepare") (param i32 i32 i32 i32 i32 i32) (result i32)
  (i32.store8 (i32.const 2304) (i32.const 1))
  (call $pair (i32.const 2308) (i32.const 1200) (i32.const 6))
  (call $pair (i32.const 2316) (i32.const 1208) (i32.const 28))
  (i32.const 2304))
