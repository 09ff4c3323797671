using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Autograd;

/// <summary>A model small enough for autograd, with grouped queries, biases, and no weight that a gradient could hide behind.</summary>
internal static class TinyModel
{
    public static readonly ModelConfig Config = Tiny.Config with
    {
        HiddenSize = 64,
        IntermediateSize = 96,
        HeadDim = 16,
        VocabularySize = 80,
        AttentionBias = true,
        MlpBias = true,
        InitializerRange = 0.06f, // Products as large as 0.02 makes them at a width of 576.
    };

    public static BaseModel Make(ScalarType dtype, bool tied = false, QuantizationType quantization = QuantizationType.None)
    {
        ComputeDtype compute = dtype == ScalarType.Float32 ? ComputeDtype.Fp32 : ComputeDtype.Bf16;
        BaseModel model = BaseModel.Random(Config with { TieWordEmbeddings = tied }, new BasePrecision(compute, quantization), seed: 5);
        ulong seed = 100;
        foreach (LayerWeights layer in model.Weights.Layers)
        {
            foreach (NormWeight norm in layer.Norms) Fill(norm.Weight, seed++, 1);
            foreach (LinearWeight linear in layer.Linears) Fill(linear.Bias!, seed++, 0);
        }
        Fill(model.Weights.FinalNorm!.Weight, seed, 1);
        return model;
    }

    /// <summary>On every linear layer and the head, B about as large as the weights.</summary>
    public static Adapter AdapterOf(BaseModel model)
    {
        Adapter adapter = Adapter.Create(model, new LoraConfig { Rank = 4, Alpha = 8, TargetModules = [LoraConfig.AllLinearAndHead] }, seed: 6);
        ulong seed = 200;
        foreach (JoinedLoraPart part in adapter.Values.Parts) Fill(part.B, seed++, 0, 0.1f);
        adapter.Changed();
        return adapter;
    }

    private static void Fill(Tensor values, ulong seed, float around, float range = 0.5f)
    {
        using Tensor drawn = tensor(new CounterRandom(seed, 3).Uniform(values.numel(), around - range, around + range));
        values.copy_(drawn.view(values.shape));
    }
}
