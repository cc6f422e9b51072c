// The explicit loops of programs/loops.py, line by line as there, for `g++ -O3 -march=native`.
// Matrices are square and contiguous, row after row, unless sizes say otherwise.

#include <cmath>
#include <cstdint>

using Int = std::int64_t;

namespace {

Int fibonacci_of(Int n) { return n < 2 ? n : fibonacci_of(n - 1) + fibonacci_of(n - 2); }

void pull(const double* mass, const double* pos, double* vel, Int n, double dt) {
  for (Int i = 0; i < n; i++) {
    double ax = 0.0, ay = 0.0, az = 0.0;
    for (Int j = 0; j < n; j++) {
      double dx = pos[j * 3 + 0] - pos[i * 3 + 0];
      double dy = pos[j * 3 + 1] - pos[i * 3 + 1];
      double dz = pos[j * 3 + 2] - pos[i * 3 + 2];
      double apart = dx * dx + dy * dy + dz * dz + 0.01;
      double strength = mass[j] / (apart * std::sqrt(apart));
      ax += dx * strength;
      ay += dy * strength;
      az += dz * strength;
    }
    vel[i * 3 + 0] += ax * dt;
    vel[i * 3 + 1] += ay * dt;
    vel[i * 3 + 2] += az * dt;
  }
}

}  // namespace

extern "C" {

void seidel_2d(Int steps, double* A, Int n) {
  for (Int t = 0; t < steps; t++) {
    for (Int i = 1; i < n - 1; i++) {
      for (Int j = 1; j < n - 1; j++) {
        const double* up = A + (i - 1) * n + j;
        const double* here = A + i * n + j;
        const double* down = A + (i + 1) * n + j;
        A[i * n + j] =
            (up[-1] + up[0] + up[1] + here[-1] + here[0] + here[1] + down[-1] + down[0] + down[1]) /
            9.0;
      }
    }
  }
}

void floyd_warshall_loops(double* path, Int n) {
  for (Int k = 0; k < n; k++) {
    for (Int i = 0; i < n; i++) {
      for (Int j = 0; j < n; j++) {
        if (path[i * n + k] + path[k * n + j] < path[i * n + j]) {
          path[i * n + j] = path[i * n + k] + path[k * n + j];
        }
      }
    }
  }
}

void cholesky_loops(double* A, Int n) {
  for (Int i = 0; i < n; i++) {
    for (Int j = 0; j < i; j++) {
      for (Int k = 0; k < j; k++) A[i * n + j] -= A[i * n + k] * A[j * n + k];
      A[i * n + j] /= A[j * n + j];
    }
    for (Int k = 0; k < i; k++) A[i * n + i] -= A[i * n + k] * A[i * n + k];
    A[i * n + i] = std::sqrt(A[i * n + i]);
  }
}

void lu_loops(double* A, Int n) {
  for (Int i = 0; i < n; i++) {
    for (Int j = 0; j < i; j++) {
      for (Int k = 0; k < j; k++) A[i * n + j] -= A[i * n + k] * A[k * n + j];
      A[i * n + j] /= A[j * n + j];
    }
    for (Int j = i; j < n; j++) {
      for (Int k = 0; k < i; k++) A[i * n + j] -= A[i * n + k] * A[k * n + j];
    }
  }
}

void durbin_loops(const double* r, Int n, double* y, double* z) {
  y[0] = -r[0];
  double beta = 1.0;
  double alpha = -r[0];
  for (Int k = 1; k < n; k++) {
    beta = (1.0 - alpha * alpha) * beta;
    double total = 0.0;
    for (Int i = 0; i < k; i++) total += r[k - i - 1] * y[i];
    alpha = -(r[k] + total) / beta;
    for (Int i = 0; i < k; i++) z[i] = y[i] + alpha * y[k - i - 1];
    for (Int i = 0; i < k; i++) y[i] = z[i];
    y[k] = alpha;
  }
}

void trisolv_loops(const double* L, double* x, const double* b, Int n) {
  for (Int i = 0; i < n; i++) {
    x[i] = b[i];
    for (Int j = 0; j < i; j++) x[i] -= L[i * n + j] * x[j];
    x[i] = x[i] / L[i * n + i];
  }
}

void mandelbrot_loops(Int width, Int height, Int rounds, Int* counts) {
  for (Int i = 0; i < height; i++) {
    for (Int j = 0; j < width; j++) {
      double cr = -2.25 + 3.0 * static_cast<double>(j) / static_cast<double>(width);
      double ci = -1.25 + 2.5 * static_cast<double>(i) / static_cast<double>(height);
      double zr = 0.0, zi = 0.0;
      Int n = 0;
      while (n < rounds && zr * zr + zi * zi < 4.0) {
        double next = zr * zr - zi * zi + cr;
        zi = 2.0 * zr * zi + ci;
        zr = next;
        n += 1;
      }
      counts[i * width + j] = n;
    }
  }
}

void nbody_loops(const double* mass, double* pos, double* vel, Int n, Int steps, double dt) {
  for (Int t = 0; t < steps; t++) {
    pull(mass, pos, vel, n, dt);
    for (Int i = 0; i < n; i++) {
      for (Int k = 0; k < 3; k++) pos[i * 3 + k] += vel[i * 3 + k] * dt;
    }
  }
}

void spmv(const Int* starts, const Int* columns, const double* values, const double* x, double* y,
          Int rows) {
  for (Int i = 0; i < rows; i++) {
    double total = 0.0;
    for (Int k = starts[i]; k < starts[i + 1]; k++) total += values[k] * x[columns[k]];
    y[i] = total;
  }
}

void histogram(const double* values, Int n, Int bins, double low, double high, Int* counts) {
  for (Int i = 0; i < n; i++) {
    double v = values[i];
    if (low <= v && v <= high) {
      Int k = static_cast<Int>((v - low) / (high - low) * static_cast<double>(bins));
      if (k == bins) k = bins - 1;
      counts[k] += 1;
    }
  }
}

Int fibonacci(Int n) { return fibonacci_of(n); }
}
