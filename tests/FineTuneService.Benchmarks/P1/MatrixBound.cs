using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace FineTuneService.Benchmarks.P1;

/// <summary>
/// The bound of P1's step: the matrix products that it cannot do without, back to back, into buffers that exist, and nothing else.
/// Every linear's x·Wᵀ and dy·W, LoRA's six, attention's six over the full square, and the head on all rows. They are in the weights'
/// dtype, or in fp32 where the CPU has no instructions for bf16.
/// </summary>
internal sealed class MatrixBound : IDisposable
{
    private readonly DisposeScope _scope;
    private readonly List<Action> _products = [];
    private readonly Dictionary<(long, long), Tensor> _buffers = [];
    private readonly ScalarType _dtype;

    public MatrixBound(ModelConfig config, DecoderWeights weights, int rank, int rows, int length)
    {
        _scope = NewDisposeScope();
        _dtype = MatrixProduct.Widens(weights.EmbedTokens) ? ScalarType.Float32 : weights.Dtype;
        long tokens = (long)rows * length;
        foreach (LayerWeights layer in weights.Layers)
        {
            foreach (LinearWeight linear in layer.Linears)
            {
                Add(tokens, linear.Stored!);
                foreach (LinearPart part in linear.Parts) AddLora(tokens, linear.In, part.Out, rank);
            }
            AddAttention(rows * config.Heads, length, config.HeadDim);
        }
        Add(tokens, weights.Head.Stored!);
    }

    public void Run()
    {
        foreach (Action product in _products) product();
    }

    public void Dispose() => _scope.Dispose();

    /// <summary>x·Wᵀ and dy·W.</summary>
    private void Add(long tokens, Tensor stored)
    {
        Tensor weight = stored.to_type(_dtype);
        (Tensor x, Tensor y, Tensor transposed) = (Buffer(tokens, weight.shape[1]), Buffer(tokens, weight.shape[0]), weight.t());
        _products.Add(() => y.addmm_(x, transposed, beta: 0));
        _products.Add(() => x.addmm_(y, weight, beta: 0));
    }

    /// <summary>x·Aᵀ, (x·Aᵀ)·Bᵀ; dy·B, (dy·B)ᵀ·x, dyᵀ·(x·Aᵀ), (dy·B)·A.</summary>
    private void AddLora(long tokens, long input, long output, int rank)
    {
        (Tensor x, Tensor y, Tensor inner) = (Buffer(tokens, input), Buffer(tokens, output), Buffer(tokens, rank));
        (Tensor a, Tensor b) = (Buffer(rank, input), Buffer(output, rank));
        _products.Add(() => inner.addmm_(x, a.t(), beta: 0));
        _products.Add(() => y.addmm_(inner, b.t(), beta: 0));
        _products.Add(() => inner.addmm_(y, b, beta: 0));
        _products.Add(() => a.addmm_(inner.t(), x, beta: 0));
        _products.Add(() => b.addmm_(y.t(), inner, beta: 0));
        _products.Add(() => x.addmm_(inner, a, beta: 0));
    }

    /// <summary>Scores, mixed values; gradients of probabilities, values, queries and keys. A batched product makes its tensor: TorchSharp has none in place.</summary>
    private void AddAttention(long heads, long length, long headDim)
    {
        Tensor narrow = Buffer(heads * length, headDim).view(heads, length, headDim);
        Tensor square = Buffer(heads * length, length).view(heads, length, length);
        for (int i = 0; i < 2; i++) _products.Add(() => narrow.bmm(narrow.transpose(1, 2)).Dispose());
        for (int i = 0; i < 2; i++) _products.Add(() => square.bmm(narrow).Dispose());
        for (int i = 0; i < 2; i++) _products.Add(() => square.transpose(1, 2).bmm(narrow).Dispose());
    }

    private Tensor Buffer(long rows, long columns)
    {
        if (!_buffers.TryGetValue((rows, columns), out Tensor? buffer))
            _buffers[(rows, columns)] = buffer = zeros([rows, columns], _dtype);
        return buffer;
    }
}
