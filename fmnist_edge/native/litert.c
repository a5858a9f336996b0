/* LiteRT through its C interface: a compiled model on the CPU, with managed buffers. */
#include "litert_api.h"

enum { FIRST = 0 }; /* the first signature, and its first input and output */

#define DECLARE(name, result, arguments) result(*name) arguments;

struct session {
    struct common common;
    void *library;
    struct {
        FUNCTIONS(DECLARE)
    } api;
    void *bytes_of_model; /* LiteRT reads the weights from here */
    environment env;
    model_file model;
    options options;
    compiled_model compiled;
    buffer buffers[DIRECTIONS];
};

static const struct {
    status code;
    const char *meaning;
} meanings[] = {
    {1, "an argument is invalid"},
    {2, "no memory is left"},
    {3, "the runtime failed"},
    {5, "it is not supported"},
    {6, "something was not found"},
    {500, "the file cannot be read"},
    {501, "the file is no valid flatbuffer"},
    {504, "the model cannot be compiled"},
    {1001, "the model holds a type that is not known"},
    {1002, "the graph is invalid"},
};

static int check(struct session *session, status code, const char *call)
{
    if (code == 0)
        return OK;
    for (size_t each = 0; each < sizeof meanings / sizeof meanings[0]; each++)
        if (meanings[each].code == code)
            return fail(session, "%s (%s)", meanings[each].meaning, call);
    return fail(session, "status %d (%s)", code, call);
}

/* Leaves the calling function when a call of the library fails. */
#define TRY(name, ...)                                                                             \
    do {                                                                                           \
        if (check(session, session->api.name(__VA_ARGS__), "LiteRt" #name) != OK)                  \
            return FAILED;                                                                         \
    } while (0)

#define LOOK_UP(name, result, arguments)                                                           \
    *(void **)&session->api.name = dlsym(session->library, "LiteRt" #name);                        \
    if (session->api.name == NULL)                                                                 \
        return fail(session, "%s has no function LiteRt" #name, path);

static int load(struct session *session, const char *path)
{
    session->library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (session->library == NULL)
        return fail(session, "%s", dlerror());
    FUNCTIONS(LOOK_UP)
    return OK;
}

static int set_options(struct session *session, int threads)
{
    opaque_options cpu = NULL;
    char *wanted = malloc(NAME_SIZE);
    if (wanted == NULL)
        return fail(session, "no memory is left");
    snprintf(wanted, NAME_SIZE, "num_threads = %d\n", threads);
    const status code = session->api.CreateOpaqueOptions("xnnpack", wanted, free, &cpu);
    if (code != 0)
        free(wanted);
    if (check(session, code, "LiteRtCreateOpaqueOptions") != OK)
        return FAILED;
    TRY(CreateOptions, &session->options);
    TRY(SetOptionsHardwareAccelerators, session->options, CPU);
    TRY(AddOpaqueOptions, session->options, cpu);
    return OK;
}

static int open_model(struct session *session, const void *model, size_t size, int threads)
{
    /* Without the first option, LiteRT looks for GPUs. */
    const struct environment_option wanted[] = {
        {ACCELERATORS, {ANY_INT, CPU}},
        {LOG_LEVEL, {ANY_INT, LOG_ONLY_ERRORS}},
    };
    session->bytes_of_model = allocate(size);
    if (session->bytes_of_model == NULL)
        return fail(session, "no memory is left");
    memcpy(session->bytes_of_model, model, size);
    TRY(CreateEnvironment, sizeof wanted / sizeof wanted[0], wanted, &session->env);
    TRY(CreateModelFromBuffer, session->env, session->bytes_of_model, size, &session->model);
    if (set_options(session, threads) != OK)
        return FAILED;
    TRY(CreateCompiledModel, session->env, session->model, session->options, &session->compiled);
    return OK;
}

struct session *native_open(const char *library, const void *model, size_t size, int threads)
{
    struct session *session = calloc(1, sizeof *session);
    if (session != NULL && load(session, library) == OK)
        open_model(session, model, size, threads);
    return session;
}

static int main_graph(struct session *session, subgraph *graph)
{
    signature first = NULL;
    TRY(GetModelSignature, session->model, FIRST, &first);
    TRY(GetSignatureSubgraph, first, graph);
    return OK;
}

static int count(struct session *session, int direction, size_t *counted)
{
    subgraph graph = NULL;
    if (main_graph(session, &graph) != OK)
        return FAILED;
    if (direction == INPUT)
        TRY(GetNumSubgraphInputs, graph, counted);
    else
        TRY(GetNumSubgraphOutputs, graph, counted);
    return OK;
}

int64_t native_count(struct session *session, int direction)
{
    size_t counted = 0;
    return count(session, direction, &counted) == OK ? (int64_t)counted : -1;
}

static int find(struct session *session, int direction, size_t index, tensor_of_model *found)
{
    subgraph graph = NULL;
    if (main_graph(session, &graph) != OK)
        return FAILED;
    if (direction == INPUT)
        TRY(GetSubgraphInput, graph, index, found);
    else
        TRY(GetSubgraphOutput, graph, index, found);
    return OK;
}

int native_describe(struct session *session, int direction, size_t index, struct tensor *told)
{
    tensor_of_model tensor = NULL;
    struct tensor_type type = {0};
    struct quantization quantization = {0};
    const char *name = NULL;
    int kind = 0;
    memset(told, 0, sizeof *told);
    if (find(session, direction, index, &tensor) != OK)
        return FAILED;
    TRY(GetTensorName, tensor, &name);
    if (copy_name(session, told, name) != OK)
        return FAILED;
    TRY(GetRankedTensorType, tensor, &type);
    told->type = type.element_type;
    told->rank = (int32_t)type.layout.rank;
    if (told->rank > MAX_RANK)
        return fail(session, "a tensor has %d dimensions", told->rank);
    for (int32_t axis = 0; axis < told->rank; axis++)
        told->shape[axis] = type.layout.dimensions[axis];
    TRY(GetQuantizationTypeId, tensor, &kind);
    if (kind != PER_TENSOR)
        return OK;
    TRY(GetPerTensorQuantization, tensor, &quantization);
    told->is_quantized = quantization.scale != 0; /* a scale of 0 means "not quantized" */
    told->scale = (double)quantization.scale;
    told->zero_point = (int32_t)quantization.zero_point;
    return OK;
}

static int type_of(struct session *session, int direction, struct tensor_type *type)
{
    tensor_of_model tensor = NULL;
    if (find(session, direction, FIRST, &tensor) != OK)
        return FAILED;
    TRY(GetRankedTensorType, tensor, type);
    return OK;
}

/* Returns the types of the two tensors for this batch size, which the model is resized to.
 *
 * For a graph that computes its sizes while it runs, LiteRT reports those of another batch size, and
 * would write past the end of a buffer of that size. The batch axis of its output has no fixed size,
 * so that the shape in the file is read first. */
static int resize(struct session *session, int64_t batch, struct tensor_type types[DIRECTIONS])
{
    struct layout *input = &types[INPUT].layout, *output = &types[OUTPUT].layout;
    struct layout told = {0};
    if (type_of(session, INPUT, &types[INPUT]) != OK)
        return FAILED;
    if (type_of(session, OUTPUT, &types[OUTPUT]) != OK)
        return FAILED;
    const bool is_another = input->dimensions[0] != batch;
    if (is_another) {
        input->dimensions[0] = (int32_t)batch;
        TRY(CompiledModelResizeInputTensorNonStrict, session->compiled, FIRST, FIRST,
            input->dimensions, input->rank);
    }
    TRY(GetCompiledModelOutputTensorLayouts, session->compiled, FIRST, 1, &told, true);
    if (output->rank > 0 && output->dimensions[0] < 0)
        output->dimensions[0] = (int32_t)batch;
    else if (is_another && output->rank > 0 && told.dimensions[0] != batch)
        return fail(session, "its output has the size %d for any batch", told.dimensions[0]);
    else
        *output = told;
    return OK;
}

static int make_buffer(struct session *session, int direction, const struct tensor_type *type,
                       size_t element_bytes)
{
    const struct bound *bound = &session->common.bound[direction];
    requirements needed = NULL;
    size_t size = 0;
    int64_t shape[MAX_RANK] = {0};
    for (unsigned int axis = 0; axis < type->layout.rank && axis < MAX_RANK; axis++)
        shape[axis] = type->layout.dimensions[axis];
    if (set_bound(session, direction, (int32_t)type->layout.rank, shape, element_bytes) != OK)
        return FAILED;
    if (direction == INPUT)
        TRY(GetCompiledModelInputBufferRequirements, session->compiled, FIRST, FIRST, &needed);
    else
        TRY(GetCompiledModelOutputBufferRequirements, session->compiled, FIRST, FIRST, &needed);
    TRY(GetTensorBufferRequirementsBufferSize, needed, &size);
    TRY(CreateManagedTensorBuffer, session->env, HOST_MEMORY, type,
        size < bound->bytes ? bound->bytes : size, &session->buffers[direction]);
    return OK;
}

int native_bind(struct session *session, int64_t batch, const size_t element_bytes[DIRECTIONS])
{
    struct tensor_type types[DIRECTIONS] = {0};
    if (resize(session, batch, types) != OK)
        return FAILED;
    if (make_buffer(session, INPUT, &types[INPUT], element_bytes[INPUT]) != OK)
        return FAILED;
    return make_buffer(session, OUTPUT, &types[OUTPUT], element_bytes[OUTPUT]);
}

static int infer(struct session *session, const void *input, void *output)
{
    void *data = NULL;
    TRY(LockTensorBuffer, session->buffers[INPUT], &data, LOCK_WRITE);
    memcpy(data, input, session->common.bound[INPUT].bytes);
    TRY(UnlockTensorBuffer, session->buffers[INPUT]);
    TRY(RunCompiledModel, session->compiled, FIRST, 1, &session->buffers[INPUT], 1,
        &session->buffers[OUTPUT]);
    TRY(LockTensorBuffer, session->buffers[OUTPUT], &data, LOCK_READ);
    memcpy(output, data, session->common.bound[OUTPUT].bytes);
    TRY(UnlockTensorBuffer, session->buffers[OUTPUT]);
    return OK;
}

void native_close(struct session *session)
{
    for (int direction = 0; direction < DIRECTIONS; direction++)
        if (session->buffers[direction] != NULL)
            session->api.DestroyTensorBuffer(session->buffers[direction]);
    if (session->compiled != NULL)
        session->api.DestroyCompiledModel(session->compiled);
    if (session->options != NULL)
        session->api.DestroyOptions(session->options);
    if (session->model != NULL)
        session->api.DestroyModel(session->model);
    if (session->env != NULL)
        session->api.DestroyEnvironment(session->env);
    if (session->library != NULL)
        dlclose(session->library);
    free(session->bytes_of_model);
    free(session);
}
