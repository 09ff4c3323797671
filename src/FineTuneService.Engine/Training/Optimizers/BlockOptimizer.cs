using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training.Optimizers;

/// <summary>What the 8-bit optimizers share: they go through the set a parameter at a time, and update small ones in fp32.</summary>
internal abstract class BlockOptimizer(OptimizerConfig config, ParameterSet parameters) : Optimizer(parameters, config.Paged)
{
    private static readonly CodeBook Signed = new(DynamicCode.Signed.Values), Unsigned = new(DynamicCode.Unsigned.Values);

    protected OptimizerConfig Config => config;

    /// <summary>For running means.</summary>
    protected CodeBook SignedCodes => config.BinnedCodes ? Signed.Binned : Signed;

    /// <summary>For mean squares.</summary>
    protected CodeBook UnsignedCodes => config.BinnedCodes ? Unsigned.Binned : Unsigned;

    protected override IEnumerable<ParameterGroup> Pieces(ParameterGroup group) => group.Each;

    /// <summary>An update whose state is fp32, on weights of any dtype.</summary>
    /// <param name="step">Is given values and gradients in fp32.</param>
    protected static void InFp32(ParameterGroup group, Action<Tensor, Tensor> step)
    {
        if (group.Values.dtype == ScalarType.Float32)
        {
            step(group.Values, group.Gradients);
            return;
        }
        Tensor values = group.Values.to_type(ScalarType.Float32);
        step(values, group.Gradients.to_type(ScalarType.Float32));
        group.Values.copy_(values);
    }
}
