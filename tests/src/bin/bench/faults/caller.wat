;; Calls `text` of the bundle `moods` and hands back what it returned, with no work of its own: an
;; instance outlives the failures, so it can be timed call after call.
(component
  (import "test:moods/library@0.1.0" (instance $library
    (type $names (enum
      "answer"
      "segfault" "abort" "illegal" "divide" "bus" "smash-stack" "overflow-stack"
      "exit-zero" "exit-many" "exit-raw"
      "hang" "deadlock" "spin" "eat-memory" "long-file" "throw"))
    (export "deed" (type $deed (eq $names)))
    (export "text" (func (param "what" $deed) (result (result u32 (error string)))))))
  (core module $Memory
    (memory (export "memory") 1)
    ;; One message at a time, always at the same place.
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $memory (instantiate $Memory))
  (core func $text (canon lower (func $library "text")
    (memory $memory "memory") (realloc (func $memory "realloc"))))
  (core module $Caller
    (import "library" "text" (func $text (param i32 i32)))
    (func (export "text") (param i32) (result i32)
      (call $text (local.get 0) (i32.const 16))
      (i32.const 16)))
  (core instance $caller (instantiate $Caller
    (with "library" (instance (export "text" (func $text))))))
  ;; The number of a deed, and what became of it.
  (func (export "call") (param "deed" u32) (result (result u32 (error string)))
    (canon lift (core func $caller "text") (memory $memory "memory"))))
