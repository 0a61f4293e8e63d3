// A driver of NVIDIA's that answers what the environment says, for those who ask whether a GPU can be used.
// STUB_GPUS: "name,compute capability,multiprocessors,GiB", one after the other with ";" between; 3.5 is written 35.
// STUB_INIT: what cuInit answers. STUB_VERSION: the CUDA version, 13000 for 13.0.
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gpu { char name[100]; int capability, multiprocessors, gibibytes; };

static const char *setting(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value ? value : otherwise;
}

static int number(const char *name, const char *otherwise) { return atoi(setting(name, otherwise)); }

// The GPU with a number; how many there are before that number is reached.
static int find(int ordinal, struct gpu *gpu) {
    const char *rest = setting("STUB_GPUS", "");
    int n = 0;
    for (; *rest; n++) {
        struct gpu one;
        if (sscanf(rest, "%99[^,],%d,%d,%d", one.name, &one.capability, &one.multiprocessors, &one.gibibytes) != 4)
            abort();
        if (n == ordinal) *gpu = one;
        rest += strcspn(rest, ";");
        rest += *rest == ';';
    }
    return n;
}

int cuInit(unsigned flags) { return flags ? 1 : number("STUB_INIT", "0"); }

int cuDriverGetVersion(int *version) {
    *version = number("STUB_VERSION", "13000");
    return 0;
}

int cuDeviceGetCount(int *count) {
    struct gpu unused;
    *count = find(-1, &unused);
    return number("STUB_INIT", "0") ? 3 : 0;
}

// Handles are no ordinals.
int cuDeviceGet(int *device, int ordinal) {
    struct gpu unused;
    *device = 100 + ordinal;
    return ordinal < find(-1, &unused) ? 0 : 101;
}

int cuDeviceGetName(char *name, int length, int device) {
    struct gpu gpu;
    find(device - 100, &gpu);
    snprintf(name, length, "%s", gpu.name);
    return 0;
}

int cuDeviceTotalMem_v2(size_t *total, int device) {
    struct gpu gpu;
    find(device - 100, &gpu);
    *total = (size_t)gpu.gibibytes << 30;
    return 0;
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
    struct gpu gpu;
    find(device - 100, &gpu);
    *value = attribute == 75   ? gpu.capability / 10
             : attribute == 76 ? gpu.capability % 10
             : attribute == 16 ? gpu.multiprocessors
                               : -1;
    return 0;
}

// Of the rest CuPy calls these itself, past the runtime.
int cuFuncSetAttribute(void *function, int attribute, int value) { return number("STUB_INIT", "0"); }

int cuModuleGetFunction(void **function, void *module, const char *name) { return 500; }

int cuGetErrorName(int error, const char **name) {
    *name = error == 500 ? "CUDA_ERROR_NOT_FOUND" : "CUDA_ERROR";
    return 0;
}

int cuGetErrorString(int error, const char **text) {
    *text = "says the stub";
    return 0;
}
