/* ONNX Runtime through its C interface.
 *
 * The interface is a table of functions that grows at its end only, so that each function keeps its
 * position. Those below are from onnxruntime_c_api.h; all belong to its version 1, which ends at
 * position 101.
 */
#include "session.h"

enum { API_VERSION = 1 };
enum { LOG_ONLY_ERRORS = 3, ALL_OPTIMIZATIONS = 99, ARENA_ALLOCATOR = 1, DEFAULT_MEMORY = 0 };

typedef struct OrtStatus OrtStatus; /* NULL: success */
typedef struct OrtEnv OrtEnv;
typedef struct OrtSession OrtSession;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtAllocator OrtAllocator;
typedef struct OrtValue OrtValue;
typedef struct OrtTypeInfo OrtTypeInfo;
typedef struct OrtTensorInfo OrtTensorInfo;
typedef void (*function)(void);

struct OrtApi {
    function at_0[2];
    const char *(*GetErrorMessage)(const OrtStatus *);
    OrtStatus *(*CreateEnv)(int log_level, const char *log_id, OrtEnv **);
    function at_4[4];
    OrtStatus *(*CreateSessionFromArray)(const OrtEnv *, const void *model, size_t size,
                                         const OrtSessionOptions *, OrtSession **);
    OrtStatus *(*Run)(OrtSession *, const void *options, const char *const *input_names,
                      const OrtValue *const *inputs, size_t input_count,
                      const char *const *output_names, size_t output_count, OrtValue **outputs);
    OrtStatus *(*CreateSessionOptions)(OrtSessionOptions **);
    function at_11[11];
    OrtStatus *(*SetSessionLogSeverityLevel)(OrtSessionOptions *, int);
    OrtStatus *(*SetSessionGraphOptimizationLevel)(OrtSessionOptions *, int);
    OrtStatus *(*SetIntraOpNumThreads)(OrtSessionOptions *, int);
    OrtStatus *(*SetInterOpNumThreads)(OrtSessionOptions *, int);
    function at_26[4];
    OrtStatus *(*SessionGetCount[DIRECTIONS])(const OrtSession *, size_t *);
    function at_32;
    OrtStatus *(*SessionGetTypeInfo[DIRECTIONS])(const OrtSession *, size_t index, OrtTypeInfo **);
    function at_35;
    OrtStatus *(*SessionGetName[DIRECTIONS])(const OrtSession *, size_t index, OrtAllocator *,
                                             char **);
    function at_38[11];
    OrtStatus *(*CreateTensorWithDataAsOrtValue)(const OrtMemoryInfo *, void *data, size_t bytes,
                                                 const int64_t *shape, size_t rank, int type,
                                                 OrtValue **);
    function at_50[5];
    OrtStatus *(*CastTypeInfoToTensorInfo)(const OrtTypeInfo *, const OrtTensorInfo **);
    function at_56[4];
    OrtStatus *(*GetTensorElementType)(const OrtTensorInfo *, int *);
    OrtStatus *(*GetDimensionsCount)(const OrtTensorInfo *, size_t *);
    OrtStatus *(*GetDimensions)(const OrtTensorInfo *, int64_t *, size_t);
    function at_63[6];
    OrtStatus *(*CreateCpuMemoryInfo)(int allocator, int memory, OrtMemoryInfo **);
    function at_70[6];
    OrtStatus *(*AllocatorFree)(OrtAllocator *, void *);
    function at_77;
    OrtStatus *(*GetAllocatorWithDefaultOptions)(OrtAllocator **);
    function at_79[13];
    void (*ReleaseEnv)(OrtEnv *);
    void (*ReleaseStatus)(OrtStatus *);
    void (*ReleaseMemoryInfo)(OrtMemoryInfo *);
    void (*ReleaseSession)(OrtSession *);
    void (*ReleaseValue)(OrtValue *);
    function at_97;
    void (*ReleaseTypeInfo)(OrtTypeInfo *);
    function at_99;
    void (*ReleaseSessionOptions)(OrtSessionOptions *);
};

#define AT(member, position)                                                                       \
    _Static_assert(offsetof(struct OrtApi, member) == (position) * sizeof(function), #member)
AT(Run, 9);
AT(SetInterOpNumThreads, 25);
AT(SessionGetCount, 30);
AT(SessionGetTypeInfo, 33);
AT(SessionGetName, 36);
AT(CreateTensorWithDataAsOrtValue, 49);
AT(CastTypeInfoToTensorInfo, 55);
AT(GetDimensions, 62);
AT(CreateCpuMemoryInfo, 69);
AT(AllocatorFree, 76);
AT(GetAllocatorWithDefaultOptions, 78);
AT(ReleaseEnv, 92);
AT(ReleaseSessionOptions, 100);

struct OrtApiBase {
    const struct OrtApi *(*GetApi)(uint32_t version);
    const char *(*GetVersionString)(void);
};

struct session {
    struct common common;
    void *library;
    const struct OrtApi *api;
    OrtEnv *env;
    OrtSessionOptions *options;
    OrtSession *opened;
    OrtMemoryInfo *memory;
    OrtAllocator *allocator;
    struct tensor tensors[DIRECTIONS];
    void *data[DIRECTIONS];
    OrtValue *values[DIRECTIONS];
};

static int check(struct session *session, OrtStatus *status)
{
    if (status == NULL)
        return OK;
    fail(session, "%s", session->api->GetErrorMessage(status));
    session->api->ReleaseStatus(status);
    return FAILED;
}

/* Leaves the calling function when a call of the library fails. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        if (check(session, session->api->call) != OK)                                              \
            return FAILED;                                                                         \
    } while (0)

static int load(struct session *session, const char *path)
{
    session->library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (session->library == NULL)
        return fail(session, "%s", dlerror());
    const struct OrtApiBase *(*get_base)(void);
    *(void **)&get_base = dlsym(session->library, "OrtGetApiBase");
    if (get_base == NULL)
        return fail(session, "%s has no function OrtGetApiBase", path);
    session->api = get_base()->GetApi(API_VERSION);
    if (session->api == NULL)
        return fail(session, "%s does not offer version %d of its interface", path, API_VERSION);
    return OK;
}

static int open_model(struct session *session, const void *model, size_t size, int threads)
{
    TRY(CreateEnv(LOG_ONLY_ERRORS, "fmnist-edge", &session->env));
    TRY(CreateSessionOptions(&session->options));
    TRY(SetSessionLogSeverityLevel(session->options, LOG_ONLY_ERRORS));
    TRY(SetSessionGraphOptimizationLevel(session->options, ALL_OPTIMIZATIONS));
    TRY(SetIntraOpNumThreads(session->options, threads));
    TRY(SetInterOpNumThreads(session->options, 1));
    TRY(GetAllocatorWithDefaultOptions(&session->allocator));
    TRY(CreateCpuMemoryInfo(ARENA_ALLOCATOR, DEFAULT_MEMORY, &session->memory));
    TRY(CreateSessionFromArray(session->env, model, size, session->options, &session->opened));
    return OK;
}

struct session *native_open(const char *library, const void *model, size_t size, int threads)
{
    struct session *session = calloc(1, sizeof *session);
    if (session != NULL && load(session, library) == OK)
        open_model(session, model, size, threads);
    return session;
}

int64_t native_count(struct session *session, int direction)
{
    size_t count = 0;
    if (check(session, session->api->SessionGetCount[direction](session->opened, &count)) != OK)
        return -1;
    return (int64_t)count;
}

static int describe_shape(struct session *session, const OrtTypeInfo *type, struct tensor *told)
{
    const OrtTensorInfo *info = NULL;
    TRY(CastTypeInfoToTensorInfo(type, &info));
    if (info == NULL)
        return OK; /* a sequence or a map, not a tensor; its type stays 0 */
    size_t rank = 0;
    TRY(GetTensorElementType(info, &told->type));
    TRY(GetDimensionsCount(info, &rank));
    if (rank > MAX_RANK)
        return fail(session, "a tensor has %zu dimensions", rank);
    told->rank = (int32_t)rank;
    TRY(GetDimensions(info, told->shape, rank));
    return OK;
}

int native_describe(struct session *session, int direction, size_t index, struct tensor *told)
{
    char *name = NULL;
    OrtTypeInfo *type = NULL;
    memset(told, 0, sizeof *told);
    TRY(SessionGetName[direction](session->opened, index, session->allocator, &name));
    const int copied = copy_name(session, told, name);
    TRY(AllocatorFree(session->allocator, name));
    if (copied != OK)
        return FAILED;
    TRY(SessionGetTypeInfo[direction](session->opened, index, &type));
    const int done = describe_shape(session, type, told);
    session->api->ReleaseTypeInfo(type);
    return done;
}

static int bind_one(struct session *session, int direction, int64_t batch, size_t element_bytes)
{
    struct tensor *tensor = &session->tensors[direction];
    const struct bound *bound = &session->common.bound[direction];
    if (native_describe(session, direction, 0, tensor) != OK)
        return FAILED;
    if (tensor->rank > 0 && tensor->shape[0] < 0)
        tensor->shape[0] = batch;
    if (set_bound(session, direction, tensor->rank, tensor->shape, element_bytes) != OK)
        return FAILED;
    session->data[direction] = allocate(bound->bytes);
    if (session->data[direction] == NULL)
        return fail(session, "no memory is left");
    TRY(CreateTensorWithDataAsOrtValue(session->memory, session->data[direction], bound->bytes,
                                       bound->shape, (size_t)bound->rank, tensor->type,
                                       &session->values[direction]));
    return OK;
}

int native_bind(struct session *session, int64_t batch, const size_t element_bytes[DIRECTIONS])
{
    if (bind_one(session, INPUT, batch, element_bytes[INPUT]) != OK)
        return FAILED;
    return bind_one(session, OUTPUT, batch, element_bytes[OUTPUT]);
}

static int infer(struct session *session, const void *input, void *output)
{
    const char *const source = session->tensors[INPUT].name;
    const char *const target = session->tensors[OUTPUT].name;
    memcpy(session->data[INPUT], input, session->common.bound[INPUT].bytes);
    TRY(Run(session->opened, NULL, &source, (const OrtValue *const *)&session->values[INPUT], 1,
            &target, 1, &session->values[OUTPUT]));
    memcpy(output, session->data[OUTPUT], session->common.bound[OUTPUT].bytes);
    return OK;
}

static void release(struct session *session)
{
    const struct OrtApi *api = session->api;
    for (int direction = 0; direction < DIRECTIONS; direction++)
        if (session->values[direction] != NULL)
            api->ReleaseValue(session->values[direction]);
    if (session->opened != NULL)
        api->ReleaseSession(session->opened);
    if (session->memory != NULL)
        api->ReleaseMemoryInfo(session->memory);
    if (session->options != NULL)
        api->ReleaseSessionOptions(session->options);
    if (session->env != NULL)
        api->ReleaseEnv(session->env);
}

void native_close(struct session *session)
{
    if (session->api != NULL)
        release(session);
    for (int direction = 0; direction < DIRECTIONS; direction++)
        free(session->data[direction]);
    if (session->library != NULL)
        dlclose(session->library);
    free(session);
}
