/* A library to preload into a process (LD_PRELOAD): some of its reads or writes then fail, or never return.
 *
 *   FAIL_ON       calls that may fail: "reads" (open, read, pread) or "writes" (open for writing, write, pwrite, fsync)
 *   FAIL_PATH     substring of the paths whose calls may fail
 *   FAIL_EVERY    every n-th of these calls fails
 *   FAIL_AFTER    number of calls that succeed before the count begins
 *   FAIL_ERRNO    errno of a failed call; 0: the call never returns
 *   FAIL_LOG      file that gets a line for every failed call
 *
 * The functions below replace those of the C library, and call them for every call that does not fail.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long calls;

static long number(const char *name) {
    const char *value = getenv(name);
    return value ? atol(value) : 0;
}

static void record(const char *call, const char *path) {
    char line[4352];
    const char *log = getenv("FAIL_LOG");
    if (log == NULL) return;
    int length = snprintf(line, sizeof line, "%s %s\n", call, path);
    int file = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    syscall(SYS_write, file, line, length);
    syscall(SYS_close, file);
}

/* Whether this call fails; then errno is set. */
static int fails(const char *call, int writes, const char *path) {
    const char *part = getenv("FAIL_PATH"), *on = getenv("FAIL_ON");
    if (part == NULL || on == NULL || path == NULL || strstr(path, part) == NULL) return 0;
    if (writes != (strcmp(on, "writes") == 0)) return 0;
    long counted = atomic_fetch_add(&calls, 1) + 1 - number("FAIL_AFTER");
    if (counted <= 0 || counted % number("FAIL_EVERY") != 0) return 0;
    record(call, path);
    errno = (int)number("FAIL_ERRNO");
    while (errno == 0) pause(), errno = 0;
    return 1;
}

/* Whether a call on an open file fails, judged by the path of the file. */
static int fails_on(const char *call, int writes, int file) {
    char name[32], path[4096];
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    int saved = errno;
    ssize_t length = readlink(name, path, sizeof path - 1);
    errno = saved;
    if (length < 0) return 0;
    path[length] = 0;
    return fails(call, writes, path);
}

/* Sets `next` to the C library's function. */
#define NEXT(name) static __typeof__(name) *next; if (next == NULL) next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        NEXT(name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = va_arg(rest, mode_t); \
        va_end(rest); \
        return fails("open", (flags & O_ACCMODE) != O_RDONLY, path) ? -1 : next(path, flags, mode); \
    }

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        NEXT(name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = va_arg(rest, mode_t); \
        va_end(rest); \
        return fails("open", (flags & O_ACCMODE) != O_RDONLY, path) ? -1 : next(folder, path, flags, mode); \
    }

#define PREAD(name, offset_type) \
    ssize_t name(int file, void *into, size_t bytes, offset_type offset) { \
        NEXT(name); \
        return fails_on("pread", 0, file) ? -1 : next(file, into, bytes, offset); \
    }

#define PWRITE(name, offset_type) \
    ssize_t name(int file, const void *from, size_t bytes, offset_type offset) { \
        NEXT(name); \
        return fails_on("pwrite", 1, file) ? -1 : next(file, from, bytes, offset); \
    }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
PREAD(pread, off_t)
PREAD(pread64, off64_t)
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t read(int file, void *into, size_t bytes) {
    NEXT(read);
    return fails_on("read", 0, file) ? -1 : next(file, into, bytes);
}

ssize_t write(int file, const void *from, size_t bytes) {
    NEXT(write);
    return fails_on("write", 1, file) ? -1 : next(file, from, bytes);
}

int fsync(int file) {
    NEXT(fsync);
    return fails_on("fsync", 1, file) ? -1 : next(file);
}
