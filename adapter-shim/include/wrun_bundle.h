/* The native ABI of a wrun bundle, for libraries written in C or C++.
 *
 * A bundle is a directory with WIT files and a shared library. The library exports one C function
 * for each function of the WIT world. This is the component model's canonical ABI with pointers and
 * lengths as wide as the machine's own. Only 64-bit little-endian machines are supported.
 *
 *
 * SYMBOLS
 *
 * The component name of a function is "ns:pkg/interface@version#function", or "function" if the
 * world exports it directly. Methods, constructors and static functions of a resource R are named
 * "[method]R.name", "[constructor]R" and "[static]R.name" after the '#'.
 *
 * The symbol is "wit_" and the component name, with every byte outside [A-Za-z0-9] replaced by '_'
 * and its two lowercase hexadecimal digits:
 *
 *     example:clock/now@1.0.0#unix-seconds
 *     wit_example_3aclock_2fnow_401_2e0_2e0_23unix_2dseconds
 *
 * The manifest can name any other symbol for a function, in its section [symbols].
 *
 *
 * TYPES
 *
 *     WIT                       in memory                           flat, as parameter or result
 *     bool                      1 byte, 0 or 1                      int32_t
 *     u8 s8 u16 s16             1 or 2 bytes                        int32_t, extended by its sign
 *     u32 s32                   4 bytes                             int32_t
 *     u64 s64                   8 bytes                             int64_t
 *     f32 f64                   4 or 8 bytes                        float, double
 *     char                      4 bytes, a Unicode scalar value     int32_t
 *     string                    wrun_string, UTF-8                  pointer, size_t
 *     list<T>, map<K, V>        wrun_list                           pointer, size_t
 *     list<T, N>                the N elements                      all of them
 *     record, tuple             a struct of the fields              all of them
 *     enum                      1, 2 or 4 bytes, by the number of   int32_t
 *                               cases: up to 256, 65536, more
 *     variant option result     a struct of the case number, as     int32_t, then the cases' values
 *                               for an enum, and a union            joined, see below
 *     flags                     1, 2 or 4 bytes for up to 8, 16     one int32_t for each 32 flags
 *                               and 32 flags, else 4 for each 32
 *     own<R>, borrow<R>         uint32_t, never 0                   int32_t
 *
 * Structs have the size, alignment and padding that the C compiler gives them. In an option, case 0
 * is none; in a result, case 0 is ok.
 *
 * Flat values of several cases share arguments: the first of each case, the second, and so on. Where
 * the types differ, a float travels as its bits, and the widest integer wins. Two cases that both
 * have a float there keep it a float. Arguments that the case at hand does not have are 0.
 *
 *
 * CALLS
 *
 * Up to 16 flat parameters are passed as arguments, in order. If there are more, the function takes
 * one pointer instead, to a struct of all parameters, and owns it.
 *
 * A result with one flat value is returned. Of a bool and of numbers narrower than 32 bits only the
 * low bits are looked at. For any other result the function returns a pointer to it. It must stay
 * valid until the next call, so a static variable will do. If the library exports the function's
 * symbol with "cabi_post_" in front, this is called with the returned value once it was read, and
 * can free what belongs to it.
 *
 * Only one call at a time is made into a library, always from one thread.
 *
 * Everything that a function returns is checked: a bool that is not 0 or 1, a string that is not
 * UTF-8, a case that does not exist, a flag that does not exist, a null or misaligned pointer with a
 * length, the handle 0. Such a call fails, and the caller is told where in the result it happened.
 *
 *
 * MEMORY
 *
 * Strings, lists, and the struct of too many parameters are allocated with the library's own
 * cabi_realloc and belong to the library: free them when done. A string or list of length 0 has a
 * pointer that is not null, must not be followed and must not be freed.
 *
 *
 * RESOURCES
 *
 * A handle is any number but 0, chosen by the library, usually an index into a table of its own. The
 * library returns it from a constructor, gets it as the first parameter of a method, and gets it
 * for the last time in the destructor, which it must export for each resource R:
 *
 *     ns:pkg/interface@version#[dtor]R        void (uint32_t handle)
 *
 * A parameter own<R> gives the handle back to the library: no destructor is called for it.
 *
 *
 * LIFE
 *
 * The library is loaded once, in a process of its own, which may do very little: see the bundle's
 * grants. If the world exports the interface "wrun:bundle/lifecycle@0.1.0", its function "init" is
 * called before any other, with the configuration that the operator gave. This is the place to open
 * other libraries, files and devices. The library is never unloaded: there are no destructors at the
 * end, the process just ends.
 */
#ifndef WRUN_BUNDLE_H
#define WRUN_BUNDLE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define WRUN_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define WRUN_EXPORT __attribute__((visibility("default")))
#endif

/* string: UTF-8, not terminated by 0. */
typedef struct {
    uint8_t *ptr;
    size_t len;
} wrun_string;

/* list<T>: ptr is a T *, len the number of elements. */
typedef struct {
    void *ptr;
    size_t len;
} wrun_list;

/* Required if any parameter is, or holds, a string or a list, or if there are more than 16 flat
 * parameters. Called with NULL and 0 for new memory; never called with new_size 0. Returns NULL if
 * there is none: the call fails then, and the library lives on. */
WRUN_EXPORT void *cabi_realloc(void *old_ptr, size_t old_size, size_t align, size_t new_size);

/* Optional, for languages in which a call can fail without a result. Asked after each call: returns
 * 1 and a message if the call that has just returned failed in this way, else 0. The message must
 * stay valid until the next call. The result of such a call is not looked at. */
WRUN_EXPORT int32_t wrun_take_panic(const uint8_t **message, size_t *length);

#endif
