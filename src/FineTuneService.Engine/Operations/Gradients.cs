using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>Where the backward adds the gradients of what trains: an adapter's matrices, or the model's own weights.</summary>
internal sealed class Gradients
{
    private readonly LoraTensors? _lora;
    private readonly Dictionary<Tensor, Tensor> _weights = new(ReferenceEqualityComparer.Instance);

    public Gradients(LoraTensors lora) => _lora = lora;

    /// <param name="weights">A gradient of the same shape for each trained weight; a tied weight is one entry.</param>
    public Gradients(IEnumerable<(Tensor Weight, Tensor Gradient)> weights)
    {
        foreach ((Tensor weight, Tensor gradient) in weights) _weights.Add(weight, gradient);
    }

    /// <summary>The gradients of an adapter's tensors, or null where the model itself trains.</summary>
    public LoraTensors? Lora => _lora;

    /// <summary>The gradient of a stored weight, or null where it is frozen.</summary>
    public Tensor? Of(Tensor? weight) => weight is null ? null : _weights.GetValueOrDefault(weight);

    /// <summary>The gradients of the adapter's matrices on this linear layer, or null where it has none.</summary>
    public JoinedLora? Of(LinearWeight linear) => _lora?.Of(linear);

    /// <summary>gradient += scale · left · right, the product in the compute dtype, the sum in the gradient's (fp32 unless all is bf16).</summary>
    /// <param name="gradient">[m, n].</param>
    /// <param name="left">[m, k].</param>
    /// <param name="right">[k, n].</param>
    public static void AddProduct(Tensor gradient, Tensor left, Tensor right, double scale, BufferPool pool)
    {
        if (gradient.dtype == left.dtype)
        {
            MatrixProduct.Add(gradient, left, right, pool, beta: 1, (float)scale);
            return;
        }
        Tensor product = pool.Lend(left.dtype, gradient.shape);
        MatrixProduct.Add(product, left, right, pool, beta: 0, (float)scale);
        gradient.add_(product);
        pool.Return(product);
    }
}
