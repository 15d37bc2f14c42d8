;; Makes things of the bundle `moods`, and drops none of them.
(component
  (import "test:moods/library@0.1.0" (instance $library
    (export "thing" (type $thing (sub resource)))
    (export "[constructor]thing" (func (param "number" u32) (result (own $thing))))
    (export "[method]thing.get" (func (param "self" (borrow $thing)) (result u32)))
    (export "tally" (func (result u32)))))
  (core func $new (canon lower (func $library "[constructor]thing")))
  (core func $get (canon lower (func $library "[method]thing.get")))
  (core func $tally (canon lower (func $library "tally")))
  (core module $Holder
    (import "library" "new" (func $new (param i32) (result i32)))
    (import "library" "get" (func $get (param i32) (result i32)))
    (global $last (mut i32) (i32.const 0))
    (func (export "hold") (param i32) (global.set $last (call $new (local.get 0))))
    (func (export "get") (result i32) (call $get (global.get $last)))
    (func (export "trap") unreachable))
  (core instance $holder (instantiate $Holder
    (with "library" (instance (export "new" (func $new)) (export "get" (func $get))))))
  (core module $Counter
    (import "library" "tally" (func $tally (result i32)))
    (func (export "tally") (result i32) (call $tally)))
  (core instance $counter (instantiate $Counter
    (with "library" (instance (export "tally" (func $tally))))))
  ;; Makes a thing and keeps it.
  (func (export "hold") (param "number" u32) (canon lift (core func $holder "hold")))
  ;; The number of the thing that was made last.
  (func (export "get") (result u32) (canon lift (core func $holder "get")))
  ;; How many things the library holds, for all stores.
  (func (export "tally") (result u32) (canon lift (core func $counter "tally")))
  (func (export "trap") (canon lift (core func $holder "trap"))))
