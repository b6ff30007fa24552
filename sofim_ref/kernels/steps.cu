// The steps of SOFIM, SGD and Adam, each array read and written as few times as it can be.
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

// M ← βM + (1 − β)g, and each block's shares of MᵀM, of Mᵀg and of gᵀg.
extern "C" __global__ void sofim_moment(REAL *__restrict__ M, Index M_stride, const REAL *__restrict__ g, Index g_stride,
                                        Sum *__restrict__ shares, Index d, REAL beta, REAL rest) {
  __shared__ Sum room[THREADS];
  Sum MM = {0.0, 0.0}, Mg = {0.0, 0.0}, gg = {0.0, 0.0};
  #pragma unroll 4
  for (ENTRIES(i, d)) {
    REAL gradient = g[i * g_stride], moment = beta * M[i * M_stride] + rest * gradient;
    M[i * M_stride] = moment;
    MM = add_product(MM, moment, moment);
    Mg = add_product(Mg, moment, gradient);
    gg = add_product(gg, gradient, gradient);
  }
  MM = block_sum(MM, room);
  Mg = block_sum(Mg, room);
  gg = block_sum(gg, room);
  if (threadIdx.x == 0) {
    shares[blockIdx.x] = MM;
    shares[gridDim.x + blockIdx.x] = Mg;
    shares[2 * gridDim.x + blockIdx.x] = gg;
  }
}

// w ← w − η(M̂ / (ρ + ‖M̂‖²) + λw) for M̂ = M/c.
extern "C" __global__ void sofim_along_moment(REAL *__restrict__ w, Index w_stride, const REAL *__restrict__ M,
                                              Index M_stride, const Sum *__restrict__ shares, int blocks, Index d,
                                              double lr, double rho, double c, double weight_decay) {
  __shared__ Sum room[THREADS];
  double along = c / (rho * c * c + total(shares, blocks, room).high);
  #pragma unroll 4
  for (ENTRIES(i, d)) {
    double at = w[i * w_stride];
    w[i * w_stride] = at - lr * (along * M[i * M_stride] + weight_decay * at);
  }
}

// a/b.
__device__ Sum quotient(Sum a, Sum b) {
  double high = a.high / b.high;
  return {high, (fma(-high, b.high, a.high) + a.low - high * b.low) / b.high};
}

// w ← w − η(x + λw) with x = C⁻¹g = (g − rM)/ρ, r = Mᵀg / (ρc² + ‖M‖²). Where g is along M and ‖M̂‖² ≫ ρ, nearly all of
// g − rM cancels: so r has two parts, and each fma rounds what is left, not what is subtracted. Where g is across M by
// less than 2 eps of its length, that is the rounding of M, and x = M q c² / (ρc² + ‖M‖²) with q = Mᵀg / ‖M‖².
extern "C" __global__ void sofim_along_gradient(REAL *__restrict__ w, Index w_stride, const REAL *__restrict__ M,
                                                Index M_stride, const REAL *__restrict__ g, Index g_stride,
                                                const Sum *__restrict__ shares, int blocks, Index d, double lr,
                                                double rho, double c, double weight_decay) {
  __shared__ Sum room[THREADS];
  Sum MM = total(shares, blocks, room), Mg = total(shares + blocks, blocks, room);
  Sum gg = total(shares + 2 * blocks, blocks, room), below = add(MM, {rho * c * c, 0.0});
  Sum r = quotient(Mg, below), q = quotient(Mg, MM);
  double along = __dmul_rn(q.high, Mg.high), rounding = sizeof(REAL) < sizeof(double) ? 0x1p-22 : 0x1p-51;
  double across = gg.high - along + (gg.low - fma(q.high, Mg.high, -along) - q.high * Mg.low - q.low * Mg.high);
  bool parallel = across <= rounding * rounding * gg.high && gg.high > 0x1p-900;  // below, low parts underflow
  double by_M = q.high * c * c / below.high, over_rho = 1 / rho;
  #pragma unroll 4
  for (ENTRIES(i, d)) {
    double at = w[i * w_stride], moment = M[i * M_stride];
    double left = fma(-moment, r.low, fma(-moment, r.high, (double)g[i * g_stride]));
    w[i * w_stride] = at - lr * ((parallel ? by_M * moment : left * over_rho) + weight_decay * at);
  }
}

// b ← μb + g, w ← w − η(v + λw) with v = b, or g + μb.
extern "C" __global__ void sgd(REAL *__restrict__ w, Index w_stride, REAL *__restrict__ b, Index b_stride,
                               const REAL *__restrict__ g, Index g_stride, Index d, REAL lr, REAL momentum,
                               int nesterov, REAL weight_decay) {
  #pragma unroll 4
  for (ENTRIES(i, d)) {
    REAL gradient = g[i * g_stride], moment = momentum * b[i * b_stride] + gradient, at = w[i * w_stride];
    b[i * b_stride] = moment;
    w[i * w_stride] = at - lr * ((nesterov ? gradient + momentum * moment : moment) + weight_decay * at);
  }
}

// m ← β₁m + (1 − β₁)g, s ← β₂s + (1 − β₂)g², w ← w − η(m̂ / (√ŝ + ϵ) + λw) for m̂ = m/c₁, ŝ = s/c₂.
extern "C" __global__ void adam(REAL *__restrict__ w, Index w_stride, REAL *__restrict__ m, Index m_stride,
                                REAL *__restrict__ s, Index s_stride, const REAL *__restrict__ g, Index g_stride,
                                Index d, REAL lr, REAL beta1, REAL rest1, REAL beta2, REAL rest2, REAL c1, REAL c2,
                                REAL epsilon, REAL weight_decay) {
  #pragma unroll 4
  for (ENTRIES(i, d)) {
    REAL gradient = g[i * g_stride], at = w[i * w_stride];
    REAL moment = beta1 * m[i * m_stride] + rest1 * gradient;
    REAL square = beta2 * s[i * s_stride] + rest2 * (gradient * gradient);
    m[i * m_stride] = moment;
    s[i * s_stride] = square;
    w[i * w_stride] = at - lr * (moment / c1 / (sqrt(square / c2) + epsilon) + weight_decay * at);
  }
}
