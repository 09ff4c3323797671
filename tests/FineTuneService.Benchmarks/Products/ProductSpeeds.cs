using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Benchmarks.Products;

/// <summary>
/// What libtorch and the kernels give on this machine, product by product: the figures of docs/performance.md. The best of many
/// windows, as others use the machine too.
/// </summary>
internal static class ProductSpeeds
{
    private const int M = 1024, K = 576, N = 1536, Rank = 16, Vocabulary = 8192, Heads = 36, Width = 256, HeadDim = 64;

    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(40);
    private const int Windows = 40;

    public static int Run()
    {
        using var pool = new BufferPool(CPU);
        Console.WriteLine($"{"GFLOP/s",-44}{"fp32",8}{"bf16",8}{"bf16 through fp32",20}");
        foreach ((string name, double flops, Func<ScalarType, Action<BufferPool>> make) in Dense())
            Console.WriteLine($"{name,-44}{Rate(flops, make(ScalarType.Float32), pool, false),8:F0}{Rate(flops, make(ScalarType.BFloat16), pool, false),8:F0}" +
                $"{Rate(flops, make(ScalarType.BFloat16), pool, true),20:F0}");
        Console.WriteLine($"{"weights a second (10⁹), W [1536,576]",-44}{"1 token",8}{"4",8}{"16",8}");
        foreach ((string name, Func<int, Action<BufferPool>> make) in Thin())
            Console.WriteLine($"{name,-44}{Rate(N * K, make(1), pool, true),8:F1}{Rate(N * K, make(4), pool, true),8:F1}{Rate(N * K, make(16), pool, true),8:F1}");
        Console.WriteLine($"{"elements a second (10⁹), [1024,1536]",-44}");
        foreach ((string name, Action<BufferPool> copy) in Copies()) Console.WriteLine($"{name,-44}{Rate(M * N, copy, pool, true),8:F1}");
        return 0;
    }

    private static IEnumerable<(string, double, Func<ScalarType, Action<BufferPool>>)> Dense()
    {
        yield return ("x·Wᵀ, x [1024,576], W [1536,576]", Flops(M, K, N), dtype => Product(Of(dtype, M, N), Of(dtype, M, K), Of(dtype, N, K).t()));
        yield return ("g·W, g [1024,1536]", Flops(M, K, N), dtype => Product(Of(dtype, M, K), Of(dtype, M, N), Of(dtype, N, K)));
        yield return ("gᵀ·x", Flops(M, K, N), dtype => Product(Of(dtype, N, K), Of(dtype, M, N).t(), Of(dtype, M, K)));
        yield return ("x·Aᵀ, rank 16", Flops(M, K, Rank), dtype => Product(Of(dtype, M, Rank), Of(dtype, M, K), Of(dtype, Rank, K).t()));
        yield return ("y += (x·Aᵀ)·Bᵀ, rank 16", Flops(M, Rank, N), dtype => Product(Of(dtype, M, N), Of(dtype, M, Rank), Of(dtype, N, Rank).t(), 1));
        yield return ("the same into columns of a wider y", Flops(M, Rank, N),
            dtype => Product(Of(dtype, M, 2 * N).narrow(1, 0, N), Of(dtype, M, Rank), Of(dtype, N, Rank).t(), 1));
        yield return ("logits, W [8192,576]", Flops(M, K, Vocabulary), dtype => Product(Of(dtype, M, Vocabulary), Of(dtype, M, K), Of(dtype, Vocabulary, K).t()));
        yield return ("one row", Flops(1, K, N), dtype => Product(Of(dtype, 1, N), Of(dtype, 1, K), Of(dtype, N, K).t()));
        yield return ("four rows", Flops(4, K, N), dtype => Product(Of(dtype, 4, N), Of(dtype, 4, K), Of(dtype, N, K).t()));
        yield return ("scores, 36 heads of [256,64]", Heads * Flops(Width, HeadDim, Width),
            dtype => Batch(Of(dtype, Heads, Width, HeadDim), Of(dtype, Heads, Width, HeadDim).transpose(1, 2)));
        yield return ("p·v", Heads * Flops(Width, Width, HeadDim), dtype => Batch(Of(dtype, Heads, Width, Width), Of(dtype, Heads, Width, HeadDim)));
        yield return ("pᵀ·g", Heads * Flops(Width, Width, HeadDim),
            dtype => Batch(Of(dtype, Heads, Width, Width).transpose(1, 2), Of(dtype, Heads, Width, HeadDim)));
    }

    private static IEnumerable<(string, Func<int, Action<BufferPool>>)> Thin()
    {
        WeightMatrix matrix = new Nf4Format(Double: true).Encode(Of(ScalarType.Float32, N, K), ScalarType.Float32);
        Tensor wide = Of(ScalarType.Float32, N, K), narrow = Of(ScalarType.BFloat16, N, K);
        yield return ("nf4, from the codes", tokens => Codes(matrix, Of(ScalarType.Float32, tokens, K), Of(ScalarType.Float32, tokens, N)));
        yield return ("nf4, dequantised first", tokens => Dequantised(matrix, wide, Of(ScalarType.Float32, tokens, K), Of(ScalarType.Float32, tokens, N)));
        yield return ("bf16, own kernel", tokens => Bf16(narrow, Of(ScalarType.BFloat16, tokens, K), Of(ScalarType.BFloat16, tokens, N)));
        yield return ("fp32, libtorch", tokens => Product(Of(ScalarType.Float32, tokens, N), Of(ScalarType.Float32, tokens, K), wide.t()));
    }

    private static IEnumerable<(string, Action<BufferPool>)> Copies()
    {
        Tensor wide = Of(ScalarType.Float32, M, N), narrow = Of(ScalarType.BFloat16, M, N), other = Of(ScalarType.Float32, M, N);
        yield return ("copy_ fp32", _ => other.copy_(wide));
        yield return ("copy_ bf16 to fp32", _ => wide.copy_(narrow));
        yield return ("copy_ fp32 to bf16", _ => narrow.copy_(wide));
        yield return ("silu of bf16", _ => narrow.silu().Dispose());
    }

    private static Action<BufferPool> Product(Tensor target, Tensor left, Tensor right, float beta = 0) => pool => MatrixProduct.Add(target, left, right, pool, beta);

    private static Action<BufferPool> Batch(Tensor left, Tensor right) => pool => MatrixProduct.Batch(left, right, pool).Dispose();

    private static Action<BufferPool> Codes(WeightMatrix matrix, Tensor x, Tensor y) => _ => matrix.MultiplyCodes(x, y);

    private static Action<BufferPool> Bf16(Tensor weight, Tensor x, Tensor y) => _ => Bf16ProductKernel.Forward(x, weight, y);

    private static Action<BufferPool> Dequantised(WeightMatrix matrix, Tensor dense, Tensor x, Tensor y) => pool =>
    {
        matrix.Fill(dense);
        MatrixProduct.Add(y, x, dense.t(), pool, beta: 0);
    };

    private static double Flops(long m, long k, long n) => 2.0 * m * k * n;

    private static Tensor Of(ScalarType dtype, params long[] shape) => full(shape, 0.01, dtype);

    /// <summary>Work a second, in 10⁹, in the best window.</summary>
    private static double Rate(double work, Action<BufferPool> action, BufferPool pool, bool throughFp32)
    {
        MatrixProduct.ThroughFp32 = throughFp32;
        using var scope = NewDisposeScope();
        double once = Enumerable.Range(0, 3).Min(_ => Samples.Seconds(() => action(pool)));
        int times = Math.Max(1, (int)(Window.TotalSeconds / once));
        double best = Enumerable.Range(0, Windows).Min(_ => Samples.Seconds(() =>
        {
            for (int i = 0; i < times; i++) action(pool);
        }));
        return work * times / best / 1e9;
    }
}
