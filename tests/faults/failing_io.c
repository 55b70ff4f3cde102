/* Preloaded into a process (LD_PRELOAD), makes some of its reads or writes fail, or never return.
 *
 *   FAIL_ON       "reads" (open, read, pread) or "writes" (open for writing, write, pwrite, fsync)
 *   FAIL_PATH     part of the paths that are meant
 *   FAIL_EVERY    every n-th of these calls fails
 *   FAIL_AFTER    so many calls are let through before any is counted
 *   FAIL_ERRNO    the error's number; 0: the call never returns
 *   FAIL_LOG      file that gets a line for every call that failed
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

/* Whether this call is to fail; errno is set then. */
static int fails(const char *call, int writes, const char *path) {
    const char *part = getenv("FAIL_PATH"), *on = getenv("FAIL_ON");
    if (part == NULL || on == NULL || path == NULL || strstr(path, part) == NULL || writes != (strcmp(on, "writes") == 0)) return 0;
    long past = atomic_fetch_add(&calls, 1) + 1 - number("FAIL_AFTER");
    if (past <= 0 || past % number("FAIL_EVERY") != 0) return 0;
    record(call, path);
    errno = (int)number("FAIL_ERRNO");
    while (errno == 0) pause(), errno = 0;
    return 1;
}

static int fails_at(const char *call, int writes, int file) {
    char name[32], path[4096];
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    int kept = errno;
    ssize_t length = readlink(name, path, sizeof path - 1);
    errno = kept;
    if (length < 0) return 0;
    path[length] = 0;
    return fails(call, writes, path);
}

#define THE(name) static __typeof__(name) *next; if (next == NULL) next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        THE(name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = va_arg(rest, mode_t); \
        va_end(rest); \
        return fails("open", (flags & O_ACCMODE) != O_RDONLY, path) ? -1 : next(path, flags, mode); \
    }

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        THE(name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = va_arg(rest, mode_t); \
        va_end(rest); \
        return fails("open", (flags & O_ACCMODE) != O_RDONLY, path) ? -1 : next(folder, path, flags, mode); \
    }

#define PREAD(name, offset_type) \
    ssize_t name(int file, void *into, size_t bytes, offset_type at) { \
        THE(name); \
        return fails_at("pread", 0, file) ? -1 : next(file, into, bytes, at); \
    }

#define PWRITE(name, offset_type) \
    ssize_t name(int file, const void *from, size_t bytes, offset_type at) { \
        THE(name); \
        return fails_at("pwrite", 1, file) ? -1 : next(file, from, bytes, at); \
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
    THE(read);
    return fails_at("read", 0, file) ? -1 : next(file, into, bytes);
}

ssize_t write(int file, const void *from, size_t bytes) {
    THE(write);
    return fails_at("write", 1, file) ? -1 : next(file, from, bytes);
}

int fsync(int file) {
    THE(fsync);
    return fails_at("fsync", 1, file) ? -1 : next(file);
}
