/* The part of LiteRT's C interface that litert.c uses.
 *
 * The prototypes, numbers and layouts are those of litert/c/ in LiteRT 2.1.6 to 2.3. In older
 * versions, the function that opens models has the same name and other arguments.
 */
#ifndef FMNIST_EDGE_NATIVE_LITERT_API_H
#define FMNIST_EDGE_NATIVE_LITERT_API_H

#include "session.h"

enum { CPU = 1 };                                                /* LiteRtHwAccelerators */
enum { LOCK_READ = 0, LOCK_WRITE = 1 };                          /* LiteRtTensorBufferLockMode */
enum { PER_TENSOR = 1 };                                         /* LiteRtQuantizationTypeId */
enum { HOST_MEMORY = 1 };                                        /* LiteRtTensorBufferType */
enum { ANY_INT = 2 };                                            /* LiteRtAnyType */
enum { ACCELERATORS = 24, LOG_LEVEL = 25, LOG_ONLY_ERRORS = 3 }; /* LiteRtEnvOptionTag */

typedef int status; /* 0: success */
typedef struct environment *environment;
typedef struct model *model_file;
typedef struct signature *signature;
typedef struct subgraph *subgraph;
typedef struct tensor_of_model *tensor_of_model;
typedef struct options *options;
typedef struct opaque_options *opaque_options;
typedef struct compiled_model *compiled_model;
typedef struct requirements *requirements;
typedef struct buffer *buffer;

struct layout {
    unsigned int rank : 7;
    unsigned int has_strides : 1;
    int32_t dimensions[MAX_RANK];
    uint32_t strides[MAX_RANK];
};

struct tensor_type {
    int element_type;
    struct layout layout;
};

struct quantization {
    float scale;
    int64_t zero_point;
};

struct environment_option {
    int tag;
    struct {
        int type;
        int64_t value;
    } any;
};

_Static_assert(sizeof(struct layout) == 68, "LiteRtLayout");
_Static_assert(sizeof(struct tensor_type) == 72, "LiteRtRankedTensorType");
_Static_assert(sizeof(struct quantization) == 16, "LiteRtQuantizationPerTensor");
_Static_assert(sizeof(struct environment_option) == 24, "LiteRtEnvOption");

#define FUNCTIONS(X)                                                                               \
    X(CreateEnvironment, status, (int, const struct environment_option *, environment *))          \
    X(DestroyEnvironment, void, (environment))                                                     \
    X(CreateModelFromBuffer, status, (environment, const void *, size_t, model_file *))            \
    X(DestroyModel, void, (model_file))                                                            \
    X(GetModelSignature, status, (model_file, size_t, signature *))                                \
    X(GetSignatureSubgraph, status, (signature, subgraph *))                                       \
    X(GetNumSubgraphInputs, status, (subgraph, size_t *))                                          \
    X(GetNumSubgraphOutputs, status, (subgraph, size_t *))                                         \
    X(GetSubgraphInput, status, (subgraph, size_t, tensor_of_model *))                             \
    X(GetSubgraphOutput, status, (subgraph, size_t, tensor_of_model *))                            \
    X(GetTensorName, status, (tensor_of_model, const char **))                                     \
    X(GetRankedTensorType, status, (tensor_of_model, struct tensor_type *))                        \
    X(GetQuantizationTypeId, status, (tensor_of_model, int *))                                     \
    X(GetPerTensorQuantization, status, (tensor_of_model, struct quantization *))                  \
    X(CreateOptions, status, (options *))                                                          \
    X(DestroyOptions, void, (options))                                                             \
    X(SetOptionsHardwareAccelerators, status, (options, int))                                      \
    X(CreateOpaqueOptions, status, (const char *, void *, void (*)(void *), opaque_options *))     \
    X(AddOpaqueOptions, status, (options, opaque_options))                                         \
    X(CreateCompiledModel, status, (environment, model_file, options, compiled_model *))           \
    X(DestroyCompiledModel, void, (compiled_model))                                                \
    X(CompiledModelResizeInputTensorNonStrict, status,                                             \
      (compiled_model, size_t, size_t, const int *, size_t))                                       \
    X(GetCompiledModelOutputTensorLayouts, status,                                                 \
      (compiled_model, size_t, size_t, struct layout *, bool))                                     \
    X(GetCompiledModelInputBufferRequirements, status,                                             \
      (compiled_model, size_t, size_t, requirements *))                                            \
    X(GetCompiledModelOutputBufferRequirements, status,                                            \
      (compiled_model, size_t, size_t, requirements *))                                            \
    X(GetTensorBufferRequirementsBufferSize, status, (requirements, size_t *))                     \
    X(CreateManagedTensorBuffer, status,                                                           \
      (environment, int, const struct tensor_type *, size_t, buffer *))                            \
    X(DestroyTensorBuffer, void, (buffer))                                                         \
    X(LockTensorBuffer, status, (buffer, void **, int))                                            \
    X(UnlockTensorBuffer, status, (buffer))                                                        \
    X(RunCompiledModel, status, (compiled_model, size_t, size_t, buffer *, size_t, buffer *))

#endif
