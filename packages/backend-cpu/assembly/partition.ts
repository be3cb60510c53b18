/**
 * The fixed shares of work: thread `t` of `n` takes items [items*t/n, items*(t+1)/n). Which thread computes an element
 * never changes how it is computed, so results do not depend on the number of threads.
 */

/**
 * Which private memory a kernel uses: the thread's, also where one thread does several threads' shares in turn.
 */
export let privateIndex: i32 = 0;

export function usePrivate(thread: i32): void {
  privateIndex = thread;
}

@inline
export function shareStart(items: i32, thread: i32, threads: i32): i32 {
  return <i32>((<i64>items * thread) / threads);
}

@inline
export function shareEnd(items: i32, thread: i32, threads: i32): i32 {
  return <i32>((<i64>items * (thread + 1)) / threads);
}

/** The same for rows, which are shared four by four: `quantize` writes groups of four. The end may pass `rows`. */
@inline
export function rowStart(rows: i32, thread: i32, threads: i32): i32 {
  return shareStart((rows + 3) >> 2, thread, threads) << 2;
}

@inline
export function rowEnd(rows: i32, thread: i32, threads: i32): i32 {
  return shareEnd((rows + 3) >> 2, thread, threads) << 2;
}
