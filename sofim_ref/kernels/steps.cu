// The step of SOFIM, each array read and written as few times as it can be; what any other update is made with, too.
//
// REAL is the type of the arrays, float or double; numbers that decide about digits are double. Thread j of n takes the
// entries j, j + n, j + 2n and so on, so any grid does; entry i of an array lies at i times its stride. Nothing waits for
// the host: SOFIM's first kernel leaves its products on the device, where the second one reads them.

typedef long long Index;

#define ENTRIES(i, d) \
  Index i = (Index)blockIdx.x * blockDim.x + threadIdx.x; i < d; i += (Index)gridDim.x * blockDim.x

// A number in two parts: low is what high had to round away.
struct Sum { double high, low; };

// Knuth's two-sum, with the low parts carried along.
__device__ Sum add(Sum a, Sum b) {
  double high = a.high + b.high, of_b = high - a.high;
  return {high, (a.high - (high - of_b)) + (b.high - of_b) + (a.low + b.low)};
}

// sum + xy. A product of floats is exact in double; one of doubles leaves a rounding, which is kept too.
__device__ Sum add_product(Sum sum, double x, double y) {
  if (sizeof(REAL) < sizeof(double)) return {fma(x, y, sum.high), 0.0};
  double product = __dmul_rn(x, y);
  return add(sum, {product, fma(x, y, -product)});
}

// The sum of what each thread of the block has, known to all of them; `room` has a place for each.
__device__ Sum block_sum(Sum mine, Sum *room) {
  __syncthreads();
  room[threadIdx.x] = mine;
  for (int half = THREADS / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) room[threadIdx.x] = add(room[threadIdx.x], room[threadIdx.x + half]);
  }
  __syncthreads();
  return room[0];
}

// The sum of the blocks' shares of a product.
__device__ Sum total(const Sum *shares, int blocks, Sum *room) {
  Sum mine = {0.0, 0.0};
  for (int b = threadIdx.x; b < blocks; b += THREADS) mine = add(mine, shares[b]);
  return block_sum(mine, room);
}

// h ← qh + (1 − q)g, and each block's shares of hᵀh, of hᵀg and of gᵀg. The new h is exactly g where q is 0, and exactly
// h where g is h: what rounding left across h would be divided by ρ.
extern "C" __global__ void sofim_mean(REAL *__restrict__ h, Index h_stride, const REAL *__restrict__ g, Index g_stride,
                                      Sum *__restrict__ shares, Index d, REAL kept, REAL taken) {
  __shared__ Sum room[THREADS];
  Sum hh = {0.0, 0.0}, hg = {0.0, 0.0}, gg = {0.0, 0.0};
  bool from_gradient = kept < (REAL)0.5;
  #pragma unroll 4
  for (ENTRIES(i, d)) {
    REAL gradient = g[i * g_stride], before = h[i * h_stride];
    REAL mean = from_gradient ? gradient + kept * (before - gradient) : before + taken * (gradient - before);
    h[i * h_stride] = mean;
    hh = add_product(hh, mean, mean);
    hg = add_product(hg, mean, gradient);
    gg = add_product(gg, gradient, gradient);
  }
  hh = block_sum(hh, room);
  hg = block_sum(hg, room);
  gg = block_sum(gg, room);
  if (threadIdx.x == 0) {
    shares[blockIdx.x] = hh;
    shares[gridDim.x + blockIdx.x] = hg;
    shares[2 * gridDim.x + blockIdx.x] = gg;
  }
}

// w ← w − η(M̂ / (ρ + ‖M̂‖²) + λw) for M̂ = kh.
extern "C" __global__ void sofim_along_moment(REAL *__restrict__ w, Index w_stride, const REAL *__restrict__ h,
                                              Index h_stride, const Sum *__restrict__ shares, int blocks, Index d,
                                              double lr, double rho, double k, double weight_decay) {
  __shared__ Sum room[THREADS];
  double along = 1 / (k * (rho / (k * k) + total(shares, blocks, room).high));
  #pragma unroll 4
  for (ENTRIES(i, d)) {
    double at = w[i * w_stride];
    w[i * w_stride] = at - lr * (along * h[i * h_stride] + weight_decay * at);
  }
}

// a/b.
__device__ Sum quotient(Sum a, Sum b) {
  double high = a.high / b.high;
  return {high, (fma(-high, b.high, a.high) + a.low - high * b.low) / b.high};
}

// w ← w − η(x + λw) with x = C⁻¹g = (g − rh)/ρ, r = hᵀg / (ρ/k² + ‖h‖²). Where g is along h and ‖M̂‖² ≫ ρ, nearly all of
// g − rh cancels: so r has two parts, and each fma rounds what is left, not what is subtracted. Where g is across h by
// less than 2 eps of its length, that is the rounding of h, and x = h q / (ρ + k²‖h‖²) with q = hᵀg / ‖h‖².
extern "C" __global__ void sofim_along_gradient(REAL *__restrict__ w, Index w_stride, const REAL *__restrict__ h,
                                                Index h_stride, const REAL *__restrict__ g, Index g_stride,
                                                const Sum *__restrict__ shares, int blocks, Index d, double lr,
                                                double rho, double k, double weight_decay) {
  __shared__ Sum room[THREADS];
  Sum hh = total(shares, blocks, room), hg = total(shares + blocks, blocks, room);
  Sum gg = total(shares + 2 * blocks, blocks, room), below = add(hh, {rho / (k * k), 0.0});
  Sum r = quotient(hg, below), q = quotient(hg, hh);
  double along = __dmul_rn(q.high, hg.high), rounding = sizeof(REAL) < sizeof(double) ? 0x1p-22 : 0x1p-51;
  double across = gg.high - along + (gg.low - fma(q.high, hg.high, -along) - q.high * hg.low - q.low * hg.high);
  bool parallel = across <= rounding * rounding * gg.high && gg.high > 0x1p-900;  // below, low parts underflow
  double by_h = q.high / (k * k) / below.high, over_rho = 1 / rho;
  #pragma unroll 4
  for (ENTRIES(i, d)) {
    double at = w[i * w_stride], mean = h[i * h_stride];
    double left = fma(-mean, r.low, fma(-mean, r.high, (double)g[i * g_stride]));
    w[i * w_stride] = at - lr * ((parallel ? by_h * mean : left * over_rho) + weight_decay * at);
  }
}
