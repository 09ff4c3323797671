using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Training;

namespace FineTuneService.Engine.Tests.Training;

/// <summary>The estimate for the shapes whose memory LitGPT's authors have measured on an A100 (docs/estimates.md).</summary>
public sealed class ArticleEstimateTests
{
    /// <summary>Tokens; long for Alpaca, of which most rows have fewer than 200.</summary>
    private const int LongestRow = 1304;

    private static readonly ModelConfig Llama7B = new()
    {
        HiddenSize = 4096,
        IntermediateSize = 11008,
        Layers = 32,
        Heads = 32,
        KeyValueHeads = 32,
        HeadDim = 128,
        VocabularySize = 32000,
        TieWordEmbeddings = false,
    };

    private static readonly ModelConfig Llama13B = Llama7B with { HiddenSize = 5120, IntermediateSize = 13824, Layers = 40, Heads = 40, KeyValueHeads = 40 };

    [Theory]
    [InlineData(7, QuantizationType.None, false, 21.30)]
    [InlineData(7, QuantizationType.Nf4, false, 14.14)]
    [InlineData(7, QuantizationType.Nf4, true, 13.84)]
    [InlineData(13, QuantizationType.None, false, 38.12)]
    [InlineData(13, QuantizationType.Nf4, true, 22.55)]
    public void Estimate_LoraOnQueriesAndValues_IsBelowWhatWasMeasured(int billions, QuantizationType quantization, bool twice, double measured)
    {
        var config = new TrainingConfig { Lora = new LoraConfig { Rank = 8, Alpha = 16, Dropout = 0.05, TargetModules = ["q_proj", "v_proj"] }, MicroBatchSize = 1 };
        MemoryEstimate memory = Trainer.Estimate(
            billions == 7 ? Llama7B : Llama13B, new BasePrecision(ComputeDtype.Bf16, quantization, twice), config, rows: 52_000, tokens: 52_000L * 100, LongestRow).Memory;
        TestContext.Current.SendDiagnosticMessage($"{billions}B {quantization} {twice}: {memory.Total / 1e9:0.00} of {measured} GB; {memory}");
        Assert.True(memory.Total / 1e9 < measured, $"{memory.Total / 1e9:0.00} GB is not below {measured} GB: {memory}");
    }
}
