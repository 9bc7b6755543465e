/* A libcuda with one device, whose memory is this machine's: what cuda-python calls, and no more.
 * The codes and types are those of cuda.h; `allocated` counts what was not freed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long long Pointer;
enum { SUCCESS, INVALID_VALUE, OUT_OF_MEMORY, NOT_FOUND = 500 };

static int pushed, blocks;
static int device_context, device_stream;

int allocated(void) { return blocks; }

int cuInit(unsigned flags) { return SUCCESS; }
int cuDriverGetVersion(int *version) { *version = 13000; return SUCCESS; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return SUCCESS; }
int cuDeviceGetName(char *name, int size, int device) { strncpy(name, "Stand-in", size); return SUCCESS; }
int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = 3UL << 30; return SUCCESS; }

int cuDeviceGetAttribute(int *value, int attribute, int device) {
    /* 18: integrated, 19: maps memory of the host, 75 and 76: the compute capability. */
    int integrated = getenv("INTEGRATED") != NULL;
    *value = attribute == 75 ? 8 : attribute == 76 ? 9 : attribute == 18 ? integrated : attribute == 19;
    return SUCCESS;
}

int cuDevicePrimaryCtxRetain(void **context, int device) { *context = &device_context; return SUCCESS; }
int cuCtxPushCurrent_v2(void *context) { pushed++; return context == &device_context ? SUCCESS : INVALID_VALUE; }
int cuCtxPopCurrent_v2(void **context) { *context = &device_context; return pushed-- > 0 ? SUCCESS : INVALID_VALUE; }

int cuStreamCreate(void **stream, unsigned flags) { *stream = &device_stream; return SUCCESS; }
int cuStreamSynchronize(void *stream) { return stream == &device_stream ? SUCCESS : INVALID_VALUE; }
int cuStreamSynchronize_ptsz(void *stream) { return cuStreamSynchronize(stream); }

int cuMemHostAlloc(void **pointer, size_t size, unsigned flags) {
    if (pushed < 1) return INVALID_VALUE;
    if (size > 3UL << 30) return OUT_OF_MEMORY;
    *pointer = malloc(size);
    blocks++;
    return SUCCESS;
}

int cuMemFreeHost(void *pointer) {
    if (pushed < 1) return INVALID_VALUE;
    free(pointer);
    blocks--;
    return SUCCESS;
}

int cuMemAlloc_v2(Pointer *pointer, size_t size) { return cuMemHostAlloc((void **)pointer, size, 0); }
int cuMemFree_v2(Pointer pointer) { return cuMemFreeHost((void *)pointer); }
int cuMemHostGetDevicePointer_v2(Pointer *device, void *pointer, unsigned flags) { *device = (Pointer)pointer; return SUCCESS; }

int cuMemcpyHtoDAsync_v2(Pointer to, const void *from, size_t size, void *stream) {
    memcpy((void *)to, from, size);
    return cuStreamSynchronize(stream);
}

int cuMemcpyDtoHAsync_v2(void *to, Pointer from, size_t size, void *stream) {
    memcpy(to, (void *)from, size);
    return cuStreamSynchronize(stream);
}

int cuGetErrorString(int code, const char **text) {
    *text = code == OUT_OF_MEMORY ? "out of memory" : "invalid argument";
    return SUCCESS;
}

/* cuda-python asks for every function by its name without a version. */
int cuGetProcAddress_v2(const char *name, void **function, int cuda, unsigned long long flags, int *status) {
    char newer[128];
    void *self = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    snprintf(newer, sizeof newer, "%s_v2", name);
    *function = dlsym(self, newer);
    if (!*function) *function = dlsym(self, name);
    if (status) *status = *function ? 0 : 1;
    return *function ? SUCCESS : NOT_FOUND;
}
