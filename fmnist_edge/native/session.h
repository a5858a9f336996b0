/* The interface of a native session for Python; driver.py calls it.
 *
 * litert.c and onnxruntime.c each define `struct session`, which starts with a `struct common`, and
 * the functions that are only declared here. The loop that is timed is defined here, once for both.
 * No function aborts: errors are reported by native_error().
 */
#ifndef FMNIST_EDGE_NATIVE_SESSION_H
#define FMNIST_EDGE_NATIVE_SESSION_H

#define _GNU_SOURCE

#include <dlfcn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ERROR_SIZE = 1024, NAME_SIZE = 256, MAX_RANK = 8 };
enum { INPUT = 0, OUTPUT = 1, DIRECTIONS = 2 };
enum { OK = 0, FAILED = 1 };
enum { ALIGNMENT = 64 };

struct tensor {
    char name[NAME_SIZE];
    int32_t type; /* number of the element type in the library */
    int32_t rank;
    int64_t shape[MAX_RANK]; /* -1 for an axis without fixed size */
    int32_t is_quantized;
    int32_t zero_point;
    double scale;
};

/* A bound tensor; every axis has a fixed size. */
struct bound {
    int32_t rank;
    int64_t shape[MAX_RANK];
    size_t bytes;
};

struct common {
    char error[ERROR_SIZE];
    struct bound bound[DIRECTIONS];
};

struct session;

/* Opens a model; `library` is the path of the runtime's shared library. NULL: out of
 * memory. Otherwise, native_error() reports failure, and native_close() must be called. */
struct session *native_open(const char *library, const void *model, size_t size, int threads);

/* Returns the number of inputs or outputs, or -1. */
int64_t native_count(struct session *session, int direction);

int native_describe(struct session *session, int direction, size_t index, struct tensor *told);

/* Allocates the buffers of the first input and output for elements of the given sizes in bytes. */
int native_bind(struct session *session, int64_t batch, const size_t element_bytes[DIRECTIONS]);

void native_close(struct session *session);

/* Runs one inference with a copy of the input and of the output. */
static int infer(struct session *session, const void *input, void *output);

static struct common *common_of(struct session *session)
{
    return (struct common *)session;
}

__attribute__((format(printf, 2, 3))) static int fail(struct session *session, const char *text,
                                                      ...)
{
    va_list values;
    va_start(values, text);
    vsnprintf(common_of(session)->error, ERROR_SIZE, text, values);
    va_end(values);
    return FAILED;
}

static int copy_name(struct session *session, struct tensor *told, const char *name)
{
    if (snprintf(told->name, NAME_SIZE, "%s", name) >= NAME_SIZE)
        return fail(session, "a tensor's name is longer than %d bytes", NAME_SIZE - 1);
    return OK;
}

static int set_bound(struct session *session, int direction, int32_t rank, const int64_t *shape,
                     size_t element_bytes)
{
    struct bound *bound = &common_of(session)->bound[direction];
    bound->rank = rank;
    bound->bytes = element_bytes;
    for (int32_t axis = 0; axis < rank; axis++) {
        if (shape[axis] < 0)
            return fail(session, "axis %d of its %s is open", axis,
                        direction == INPUT ? "input" : "output");
        bound->shape[axis] = shape[axis];
        bound->bytes *= (size_t)shape[axis];
    }
    return OK;
}

/* Allocates memory that is aligned for vector instructions. */
static void *allocate(size_t bytes)
{
    return aligned_alloc(ALIGNMENT, (bytes / ALIGNMENT + 1) * ALIGNMENT);
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Returns the message of the last failure; empty if there was none. */
const char *native_error(struct session *session)
{
    return common_of(session)->error;
}

/* Writes the shape of a bound tensor and returns its number of axes. */
int native_bound(struct session *session, int direction, int64_t shape[MAX_RANK])
{
    const struct bound *bound = &common_of(session)->bound[direction];
    memcpy(shape, bound->shape, sizeof bound->shape);
    return bound->rank;
}

int native_run(struct session *session, const void *input, void *output)
{
    return infer(session, input, output);
}

/* Runs inferences back to back on each input in turn, until `nanoseconds` have passed or `at_most`
 * calls are made. Writes the duration of each call in ns; returns the number of calls, or -1. */
int64_t native_time_calls(struct session *session, const void *const *inputs, size_t count,
                          void *output, uint64_t nanoseconds, uint64_t at_most, uint64_t *taken)
{
    const uint64_t first = now();
    uint64_t calls = 0;
    size_t next = 0;
    while (calls < at_most) {
        const uint64_t start = now();
        if (infer(session, inputs[next], output) != OK)
            return -1;
        const uint64_t stop = now();
        taken[calls++] = stop - start;
        if (stop - first >= nanoseconds)
            break;
        if (++next == count)
            next = 0;
    }
    return (int64_t)calls;
}

#endif
