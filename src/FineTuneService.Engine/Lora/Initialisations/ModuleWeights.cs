using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora.Initialisations;

/// <summary>What an initialisation may ask of the base, each fp32 [out, in] of one module and worked out only when asked for.</summary>
/// <param name="Held">The weight as the base holds it, dequantised.</param>
/// <param name="Original">The weight as the checkpoint's file has it.</param>
internal sealed record ModuleWeights(Func<Tensor> Held, Func<Tensor> Original);
