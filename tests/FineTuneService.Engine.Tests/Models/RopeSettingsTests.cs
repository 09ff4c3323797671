using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Models;

namespace FineTuneService.Engine.Tests.Models;

/// <summary>Every rope key is computed as transformers' modeling_rope_utils does, or refused by name.</summary>
public sealed class RopeSettingsTests
{
    private const string Yarn = "\"rope_type\": \"yarn\", \"factor\": 4.0, \"original_max_position_embeddings\": 64";

    // Inverse frequencies of head_dim 16 and theta 10000, computed apart from this code by the formulas of _compute_yarn_parameters in fp64.
    private static readonly double[] Ramp = [1.0, 0.237170825, 0.05, 0.00790569415, 0.0025, 0.000790569415, 0.00025, 7.90569415e-05];
    private static readonly double[] Untruncated = [1.0, 0.19858352, 0.0255952459, 0.00790569415, 0.0025, 0.000790569415, 0.00025, 7.90569415e-05];
    private static readonly double[] Steep = [1.0, 0.197642354, 0.025, 0.00790569415, 0.0025, 0.000790569415, 0.00025, 7.90569415e-05];

    public static TheoryData<string, double[], double> YarnCases => new()
    {
        { Yarn, Ramp, 1.138629436111989 },
        { Yarn + ", \"truncate\": true, \"beta_fast\": null, \"beta_slow\": 1", Ramp, 1.138629436111989 },
        { Yarn + ", \"truncate\": false", Untruncated, 1.138629436111989 },
        { Yarn + ", \"mscale\": 1.0, \"mscale_all_dim\": 0.8", Ramp, 1.0249579607969668 },
        { Yarn + ", \"mscale\": 0.707, \"mscale_all_dim\": 0.0", Ramp, 1.138629436111989 },
        { Yarn + ", \"attention_factor\": 1.25, \"mscale\": 1.0, \"mscale_all_dim\": 0.8", Ramp, 1.25 },
        { Yarn + ", \"beta_fast\": 4, \"beta_slow\": 2", Steep, 1.138629436111989 },
        { "\"type\": \"yarn\", \"factor\": null, \"original_max_position_embeddings\": 64, \"finetuned\": true", Ramp, 1.138629436111989 },
    };

    [Theory, MemberData(nameof(YarnCases))]
    public void Parse_YarnKeys_AreComputed(string rope, double[] inverse, double scaling)
    {
        RotaryFrequencies made = Frequencies($"\"rope_scaling\": {{{rope}}}");
        Assert.Equal(scaling, made.Scaling, 1e-12);
        Assert.All(inverse.Zip(made.Inverse), pair => Assert.Equal(pair.First, pair.Second, pair.First * 1e-6));
        ModelConfig saved = ModelConfig.Parse(Config($"\"rope_scaling\": {{{rope}}}").ToJson("float32"));
        Assert.True(RotaryFrequencies.Of(saved.Rope(RopeUse.Global), 8).SameAs(made));
    }

    [Fact]
    public void Parse_BothStyles_AreReadAsTransformersDoes()
    {
        // rope_scaling goes before rope_parameters; a theta inside goes before the one outside; Phi's outer original length before all.
        Assert.Equal(new LinearRopeScaling(2), Config("\"rope_scaling\": {\"type\": \"linear\", \"factor\": 2}, \"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 3}").RopeScaling);
        Assert.Equal(new LinearRopeScaling(3), Config("\"rope_scaling\": {}, \"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 3}").RopeScaling);
        Assert.Equal(500, Config("\"rope_theta\": 20, \"rope_parameters\": {\"rope_type\": \"default\", \"rope_theta\": 500}").RopeTheta);
        Assert.Equal(20, Config("\"rope_theta\": 20, \"rope_parameters\": {\"rope_type\": \"default\"}").RopeTheta);
        Assert.Equal(128, ((YarnRopeScaling)Config($"\"original_max_position_embeddings\": 128, \"rope_scaling\": {{{Yarn}}}").RopeScaling!).OriginalMaxPositions);
    }

    [Theory]
    [InlineData("\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4, \"extrapolation_factor\": 1}", "extrapolation_factor is not supported")]
    [InlineData("\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4, \"finetuned\": false}", "finetuned")]
    [InlineData("\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 4, \"attention_factor\": 2}", "attention_factor is not supported with rope scaling linear")]
    [InlineData("\"rope_scaling\": {\"rope_type\": \"dynamic\", \"factor\": 4, \"original_max_position_embeddings\": 16}", "original_max_position_embeddings is not supported")]
    [InlineData("\"rope_scaling\": {\"factor\": 4}", "factor is not supported with rope scaling default")]
    [InlineData("\"rope_scaling\": {\"rope_type\": \"yarn\"}", "factor is missing")]
    [InlineData("\"rope_scaling\": {\"rope_type\": \"ntk\", \"factor\": 4}", "rope scaling ntk")]
    [InlineData("\"rope_scaling\": {\"rope_type\": \"proportional\"}", "rope scaling proportional")]
    [InlineData("\"rope_parameters\": {\"full_attention\": {\"rope_type\": \"default\"}}", "full_attention is not supported")]
    [InlineData("\"rope_parameters\": {\"rope_type\": \"default\", \"partial_rotary_factor\": 0.5}", "partial_rotary_factor is not supported")]
    [InlineData("\"partial_rotary_factor\": 0.25", "partial_rotary_factor is not supported")]
    [InlineData("\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4, \"high_freq_factor\": 4}", "high_freq_factor 4 must be above")]
    [InlineData("\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 0}", "factor 0 must be above 0")]
    [InlineData("\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 1e999}", "factor = 1e999")]
    [InlineData("\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": \"4\"}", "factor = \"4\"")]
    [InlineData("\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4, \"original_max_position_embeddings\": -1}", "original_max_position_embeddings = -1")]
    [InlineData("\"rope_scaling\": \"linear\"", "rope_scaling = \"linear\"")]
    [InlineData("\"rope_theta\": 0", "rope_theta 0 must be above 0")]
    [InlineData("\"rope_theta\": -10000", "rope_theta -10000")]
    [InlineData("\"rope_theta\": 1e999", "rope_theta = 1e999")]
    [InlineData("\"rope_theta\": 1, \"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4}", "rope_theta above 1")]
    public void Parse_RopeThatIsNotComputed_IsRefusedByName(string keys, string named)
    {
        string message = Assert.Throws<ModelException>(() => Config(keys)).Message;
        Assert.Contains(named, message);
        Assert.DoesNotContain("System.", message);
    }

    private static RotaryFrequencies Frequencies(string keys) => RotaryFrequencies.Of(Config(keys).Rope(RopeUse.Global), 8);

    private static ModelConfig Config(string keys) => ModelConfig.Parse(
        "{\"model_type\": \"llama\", \"vocab_size\": 40, \"hidden_size\": 32, \"intermediate_size\": 24, \"num_hidden_layers\": 2, \"num_attention_heads\": 2, "
        + $"\"max_position_embeddings\": 256, {keys}}}");
}
