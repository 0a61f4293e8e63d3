// A fiber: a CUDA thread that waits and goes on. How one is left for another, and what the sanitizers have to know.
// Part of cuemu_runtime.cpp, apart for its size.
#pragma once
#include "cuemu.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

#ifdef CUEMU_TSAN
extern "C" {
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned);
void __tsan_switch_to_fiber(void*, unsigned);
void __tsan_acquire(void*);
void __tsan_release(void*);
}
#define RELEASE(what) __tsan_release(what)
#define ACQUIRE(what) __tsan_acquire(what)
#else
#define RELEASE(what)
#define ACQUIRE(what)
#endif
#ifdef CUEMU_ASAN
extern "C" {
void __sanitizer_start_switch_fiber(void**, const void*, size_t);
void __sanitizer_finish_switch_fiber(void*, const void**, size_t*);
}
#endif

extern "C" {
__thread CuemuThread* cuemu_thread;
__thread uint3 cuemu_block;
__thread void* cuemu_shared;
dim3 cuemu_block_dim, cuemu_grid_dim;
void cuemu_switch(void** save, void* load);
}
// Keeps what System V's x86-64 calls must keep, and goes on with another stack.
asm(R"(
.text
.globl cuemu_switch
.hidden cuemu_switch
cuemu_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
)");

namespace {

constexpr unsigned MAX_THREADS = 1024, LANES = 32, MAX_OPS = 4;
#if defined(CUEMU_ASAN) || defined(CUEMU_TSAN)
constexpr size_t STACK = 256 << 10;
#else
constexpr size_t STACK = 32 << 10;
#endif
enum Order { FORWARD, REVERSE, LAST_FIRST, RANDOM };
enum State { READY, AT_BARRIER, IN_WARP_OP, DONE };

char launch_error[512];
std::atomic<bool> has_failed;

void fail(const char* what, int line) {
    if (has_failed.exchange(true)) return;
    snprintf(launch_error, sizeof launch_error, "%s (line %d, block %u,%u,%u, thread %u)", what, line, cuemu_block.x,
             cuemu_block.y, cuemu_block.z, cuemu_thread ? cuemu_thread->linear : 0);
}

struct Fiber : CuemuThread {
    State state;
    int line;  // where it waits
    void* stack_pointer;
    char* stack;
    uint64_t value;  // given to a warp operation, and what it gave
    int argument;
    void *tsan, *asan;
};

}  // namespace
