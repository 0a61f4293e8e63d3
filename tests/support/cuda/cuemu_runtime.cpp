// Runs a kernel's blocks: one fiber a CUDA thread, one block at a time on each thread of the host.
//
// A fiber runs until it waits: at __syncthreads, in an operation of its warp, or at its end. Everything that CUDA leaves
// undefined there is an error here: threads at different barriers or gone, lanes outside the mask, lanes that never come.
// This file itself is never built with a sanitizer; it tells theirs about the fibers.
#include "cuemu_fiber.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <sys/mman.h>
#include <thread>
#include <vector>

namespace {

// A warp operation that some lanes have reached.
struct WarpOp {
    unsigned mask, arrived;
    int line;
    CuemuWarpOp op;
    unsigned phase = 0;  // a lane may be at the next one here before all have left this
    char order[2];
};

float half_of(uint32_t bits) { return (float)cuemu_bits<_Float16>((uint16_t)bits); }

// Fragments as the PTX ISA lays them out: lane 4g + c holds rows g and g + 8, columns 2c, 2c + 1 (and 8 more).
void multiply(Fiber* const* lanes) {
    float a[16][16], b[8][16];
    for (unsigned i = 0; i < LANES; ++i) {
        const auto* mine = reinterpret_cast<CuemuFragments*>(lanes[i]->value);
        const unsigned g = i / 4, c = i % 4 * 2;
        for (unsigned part = 0; part < 4; ++part)
            for (unsigned k = 0; k < 2; ++k) a[g + part % 2 * 8][c + part / 2 * 8 + k] = half_of(mine->a[part] >> 16 * k);
        for (unsigned part = 0; part < 2; ++part)
            for (unsigned k = 0; k < 2; ++k) b[g][c + part * 8 + k] = half_of(mine->b[part] >> 16 * k);
    }
    for (unsigned i = 0; i < LANES; ++i) {
        const auto* mine = reinterpret_cast<CuemuFragments*>(lanes[i]->value);
        for (unsigned part = 0; part < 4; ++part) {
            const unsigned row = i / 4 + part / 2 * 8, column = i % 4 * 2 + part % 2;
            float sum = 0;
            for (unsigned k = 0; k < 16; ++k) sum += a[row][k] * b[column][k];
            mine->d[part] += sum;
        }
    }
}

// The lane whose value a lane gets; itself where that is outside the warp.
int source_lane(CuemuWarpOp op, int lane, int argument) {
    const int source = op == CUEMU_XOR    ? lane ^ argument
                       : op == CUEMU_DOWN ? lane + argument
                       : op == CUEMU_UP   ? lane - argument
                       : op == CUEMU_FROM ? argument & 31
                                          : lane;
    return source < 0 || source >= (int)LANES ? lane : source;
}

// One block at a time.
class Block {
public:
    Block() {
        // Adjacent stacks: a page for each fiber would be too much for the TLB.
        const size_t huge = 2 << 20, n_bytes = MAX_THREADS * STACK;
        void* memory = mmap(nullptr, n_bytes + huge, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) abort();
        stacks_ = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(memory) + huge - 1) & ~(huge - 1));
        madvise(stacks_, n_bytes, MADV_HUGEPAGE);
    }

    void run(void (*kernel)(void**), void** arguments, unsigned n_threads, Order order, unsigned seed) {
        kernel_ = kernel, arguments_ = arguments, order_ = order, random_ = seed;
        n_ = alive_ = n_threads, waiting_ = 0, head_ = length_ = 0;
        for (auto& of_warp : ops_) for (auto& op : of_warp) op.arrived = 0;
        while (fibers_.size() < n_) add_fiber();
        for (unsigned i = 0; i < n_; ++i) start(order == REVERSE ? n_ - 1 - i : i);
#ifdef CUEMU_TSAN
        main_tsan_ = __tsan_get_current_fiber();
#endif
        switch_to(&main_stack_pointer_, next(), nullptr);
        if (alive_) report_deadlock();
    }

    void barrier(int line) {
        Fiber* me = current();
        [[maybe_unused]] char* order = &barrier_order_[phase_];
        RELEASE(order);
        if (waiting_ == 0) barrier_line_ = line;
        else if (barrier_line_ != line) fail("__syncthreads: threads of one block wait at different barriers", line);
        me->state = AT_BARRIER, me->line = line;
        if (++waiting_ == alive_) release_barrier(line);
        wait();
        ACQUIRE(order);
    }

    uint64_t warp(unsigned mask, CuemuWarpOp op, int line, uint64_t value, int argument) {
        Fiber* me = current();
        if (!(mask >> me->lane & 1)) fail("warp operation: the calling lane is not in its own mask", line);
        me->line = line, me->value = value, me->argument = argument, me->state = IN_WARP_OP;
        const unsigned n_lanes = min(LANES, n_ - me->warp * LANES);
        const unsigned wanted = n_lanes < LANES ? mask & ((1u << n_lanes) - 1) : mask;
        WarpOp& shared = joined(me, mask, op, line);
        [[maybe_unused]] char* order = &shared.order[shared.phase];
        if (op == CUEMU_SYNC) RELEASE(order);  // shuffles order no memory
        shared.arrived |= 1u << me->lane;
        if ((shared.arrived & wanted) == wanted) {
            shared.arrived = 0, shared.phase ^= 1;
            exchange(fibers_.data() + me->warp * LANES, n_lanes, wanted, op, line);
        }
        wait();
        if (op == CUEMU_SYNC) ACQUIRE(order);
        return me->value;
    }

    void fiber_main() {
        Fiber* me = current();
#ifdef CUEMU_ASAN
        __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
        ACQUIRE(&start_order_);
        kernel_(arguments_);
        RELEASE(&end_order_);
        me->state = DONE;
        --alive_;
        if (alive_ && waiting_ == alive_) release_barrier(barrier_line_);
        switch_to(&me->stack_pointer, next(), me);
        abort();
    }

    // Two, or a thread that begins when another has ended would seem to come after it.
    char* start_order() { return &start_order_; }
    char* end_order() { return &end_order_; }
    const void* main_stack = nullptr;
    size_t main_stack_size = 0;

private:
    static Fiber* current() { return static_cast<Fiber*>(cuemu_thread); }

    void add_fiber() {
        auto* fiber = new Fiber();
        fiber->stack = stacks_ + fibers_.size() * STACK;
#ifdef CUEMU_TSAN
        fiber->tsan = __tsan_create_fiber(0);
#endif
        fibers_.push_back(fiber);
    }

    void start(unsigned i);

    void enqueue(Fiber* fiber) { ready_[(head_ + length_++) % MAX_THREADS] = fiber; }

    Fiber* next() {
        if (length_ == 0) return nullptr;
        unsigned place = 0;
        if (order_ == LAST_FIRST) place = length_ - 1;
        if (order_ == RANDOM) random_ = random_ * 1664525u + 1013904223u, place = (random_ >> 8) % length_;
        Fiber*& slot = ready_[(head_ + place) % MAX_THREADS];
        Fiber* fiber = slot;
        if (place == 0) ++head_;
        else slot = ready_[(head_ + length_ - 1) % MAX_THREADS];
        --length_;
        return fiber;
    }

    void wait() {
        Fiber *me = current(), *other = next();
        if (other != me) switch_to(&me->stack_pointer, other, me);
    }

    // From a fiber, or the block's own code, to another.
    void switch_to(void** save, Fiber* to, [[maybe_unused]] Fiber* from) {
        cuemu_thread = to;
#ifdef CUEMU_TSAN
        __tsan_switch_to_fiber(to ? to->tsan : main_tsan_, 1);  // 1: which orders nothing
#endif
#ifdef CUEMU_ASAN
        void** fake = from == nullptr ? &main_asan_ : from->state == DONE ? nullptr : &from->asan;
        if (to) __sanitizer_start_switch_fiber(fake, to->stack, STACK);
        else __sanitizer_start_switch_fiber(fake, main_stack, main_stack_size);
#endif
        cuemu_switch(save, to ? to->stack_pointer : main_stack_pointer_);
#ifdef CUEMU_ASAN
        __sanitizer_finish_switch_fiber(from ? from->asan : main_asan_, nullptr, nullptr);
#endif
    }

    void release_barrier(int line) {
        if (waiting_ < n_) fail("__syncthreads: some threads of the block have already ended", line);
        waiting_ = 0, phase_ ^= 1;
        for (unsigned i = 0; i < n_; ++i) {
            Fiber* fiber = fibers_[order_ == REVERSE ? n_ - 1 - i : i];
            if (fiber->state == AT_BARRIER) fiber->state = READY, enqueue(fiber);
        }
    }

    // The operation that lanes with this mask are waiting in, at this place; a new one if there is none.
    WarpOp& joined(Fiber* me, unsigned mask, CuemuWarpOp op, int line) {
        WarpOp* free = nullptr;
        for (auto& waiting : ops_[me->warp]) {
            if (!waiting.arrived) free = free ? free : &waiting;
            else if (waiting.mask == mask && waiting.op == op && waiting.line == line) return waiting;
        }
        if (!free) fail("more than four different operations of one warp wait at once", line), free = ops_[me->warp];
        free->mask = mask, free->arrived = 0, free->line = line, free->op = op;
        return *free;
    }

    // Every lane learns the addresses of all.
    void gather_rows(Fiber* const* lanes, int line) {
        for (unsigned i = 0; i < LANES; ++i) {
            const __half* row = reinterpret_cast<CuemuRows*>(lanes[i]->value)->mine;
            if (reinterpret_cast<uintptr_t>(row) % 16) fail("loading matrices: a row is not aligned to 16 bytes", line);
            for (unsigned j = 0; j < LANES; ++j) reinterpret_cast<CuemuRows*>(lanes[j]->value)->all[i] = row;
        }
    }

    // The last lane has come: do it for all.
    void exchange(Fiber* const* lanes, unsigned n_lanes, unsigned wanted, CuemuWarpOp op, int line) {
        if (op == CUEMU_MMA) {
            if (wanted != CUEMU_ALL) fail("mma needs all 32 lanes", line);
            else multiply(lanes);
        }
        if (op == CUEMU_ROWS) {
            if (wanted != CUEMU_ALL) fail("loading matrices needs all 32 lanes", line);
            else gather_rows(lanes, line);
        }
        uint64_t ballot = 0, results[LANES];
        for (unsigned i = 0; i < n_lanes; ++i)
            if (op == CUEMU_BALLOT && wanted >> i & 1 && lanes[i]->value) ballot |= 1u << i;
        for (unsigned i = 0; i < n_lanes; ++i) {
            if (!(wanted >> i & 1)) continue;
            int source = source_lane(op, i, lanes[i]->argument);
            if (!(wanted >> source & 1)) fail("shuffle: reads a lane outside its mask", line), source = i;
            results[i] = op == CUEMU_BALLOT ? ballot : lanes[source]->value;
        }
        for (unsigned i = 0; i < n_lanes; ++i)
            if (wanted >> i & 1) lanes[i]->value = results[i], lanes[i]->state = READY, enqueue(lanes[i]);
    }

    void report_deadlock() {
        for (unsigned i = 0; i < n_; ++i) {
            if (fibers_[i]->state == DONE) continue;
            cuemu_thread = fibers_[i];
            fail(fibers_[i]->state == AT_BARRIER ? "deadlock: a thread waits at __syncthreads"
                                                 : "deadlock: a lane waits for others of its mask that never come",
                 fibers_[i]->line);
            break;
        }
        cuemu_thread = nullptr;
    }

    std::vector<Fiber*> fibers_;
    Fiber* ready_[MAX_THREADS];  // a ring
    WarpOp ops_[MAX_THREADS / LANES][MAX_OPS];
    char barrier_order_[2];
    static inline char start_order_, end_order_;
    char* stacks_;
    void (*kernel_)(void**);
    void** arguments_;
    void *main_stack_pointer_, *main_tsan_ = nullptr, *main_asan_ = nullptr;
    Order order_;
    unsigned random_, n_, alive_, waiting_, head_, length_, phase_ = 0;
    int barrier_line_;
};

thread_local Block* block;

void enter_fiber() { block->fiber_main(); }

void Block::start(unsigned i) {
    Fiber* fiber = fibers_[i];
    const unsigned x = cuemu_block_dim.x, y = cuemu_block_dim.y;
    fiber->index = {i % x, i / x % y, i / (x * y)};
    fiber->linear = i, fiber->lane = i % LANES, fiber->warp = i / LANES, fiber->state = READY;
    // Staggered, or all stacks would share the same lines of the cache. Above: a return address that is never used.
    auto* top = reinterpret_cast<void**>(fiber->stack + STACK - i * 576 % 4096) - 1;
    *top = nullptr;
    *--top = reinterpret_cast<void*>(enter_fiber);
    fiber->stack_pointer = top - 6;  // the registers cuemu_switch pops
    enqueue(fiber);
}

// Threads of the host that keep their fibers from launch to launch.
class Workers {
public:
    explicit Workers(unsigned n) : n_(n) {
        for (unsigned i = 0; i < n; ++i) std::thread([this] { serve(); }).detach();
    }

    void run(const std::function<void()>& work) {
        {
            std::lock_guard lock(mutex_);
            work_ = work, ++generation_, busy_ = n_;
        }
        begun_.notify_all();
        work();
        std::unique_lock lock(mutex_);
        ended_.wait(lock, [this] { return busy_ == 0; });
    }

private:
    void serve() {
        for (unsigned seen = 0;;) {
            std::function<void()> work;
            {
                std::unique_lock lock(mutex_);
                begun_.wait(lock, [&] { return generation_ != seen; });
                seen = generation_, work = work_;
            }
            work();
            std::lock_guard lock(mutex_);
            if (--busy_ == 0) ended_.notify_one();
        }
    }

    std::mutex mutex_;
    std::condition_variable begun_, ended_;
    std::function<void()> work_;
    unsigned n_, generation_ = 0, busy_ = 0;
};

struct Launch {
    void (*kernel)(void**);
    void** arguments;
    const unsigned* grid;
    unsigned n_threads;
    size_t n_shared;
    Order order;
    unsigned seed;
    unsigned long n_blocks;
    std::atomic<unsigned long> next{0};

    // Blocks in turn, until none is left.
    void work() {
        if (!block) block = new Block();
#ifdef CUEMU_ASAN
        pthread_attr_t attributes;
        void* stack;
        pthread_getattr_np(pthread_self(), &attributes);
        pthread_attr_getstack(&attributes, &stack, &block->main_stack_size);
        pthread_attr_destroy(&attributes);
        block->main_stack = stack;
#endif
        for (unsigned long ticket; !has_failed && (ticket = next++) < n_blocks;) {
            const unsigned long i = order == REVERSE ? n_blocks - 1 - ticket : ticket;
            cuemu_block = {(unsigned)(i % grid[0]), (unsigned)(i / grid[0] % grid[1]),
                           (unsigned)(i / ((unsigned long)grid[0] * grid[1]))};
            void* shared = nullptr;  // of the very size, so that ASan sees what is beyond; NaN until it is written
            if (n_shared) {
                if (posix_memalign(&shared, 16, n_shared)) abort();
                memset(shared, 0xff, n_shared);
            }
            cuemu_shared = shared;
            RELEASE(block->start_order());
            block->run(kernel, arguments, n_threads, order, seed + (unsigned)i);
            ACQUIRE(block->end_order());
            free(shared);
        }
    }
};

}  // namespace

extern "C" void cuemu_barrier(int line) { block->barrier(line); }

extern "C" uint64_t cuemu_warp(unsigned mask, CuemuWarpOp op, int line, uint64_t value, int argument) {
    return block->warp(mask, op, line, value, argument);
}

// 0, or 1 with a line of explanation.
extern "C" int cuemu_launch(void (*kernel)(void**), void** arguments, const unsigned* grid, const unsigned* block_dim,
                            size_t n_shared, unsigned order, unsigned seed, unsigned n_workers, char* error,
                            size_t error_size) {
    cuemu_grid_dim = {grid[0], grid[1], grid[2]};
    cuemu_block_dim = {block_dim[0], block_dim[1], block_dim[2]};
    has_failed = false;
    Launch launch{kernel, arguments, grid, block_dim[0] * block_dim[1] * block_dim[2], n_shared, (Order)order, seed,
                  (unsigned long)grid[0] * grid[1] * grid[2]};
    if (n_workers <= 1 || launch.n_blocks == 1) {
        launch.work();
    } else {
        static Workers* workers = new Workers(n_workers - 1);
        workers->run([&launch] { launch.work(); });
    }
    if (has_failed) snprintf(error, error_size, "%s", launch_error);
    return has_failed ? 1 : 0;
}
