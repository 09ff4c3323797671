using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Models;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Models;

/// <summary>Model folders that are whole, and those that are not what their config.json says.</summary>
public sealed class ModelFolderTests
{
    private const string Config = """
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 40, "hidden_size": 16, "intermediate_size": 24,
         "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_act": "silu", "max_position_embeddings": 64,
         "rms_norm_eps": 1e-5, "attention_bias": true, "tie_word_embeddings": false, "eos_token_id": [2, 3]}
        """;

    [Fact]
    public void Load_SavedModel_HasTheSameWeights()
    {
        using var folder = Saved();
        using BaseModel first = BaseModel.Load(folder.Path, BasePrecision.Fp32);
        using var copy = new TemporaryFolder();
        first.Save(copy.Path, ComputeDtype.Fp32);
        using BaseModel again = BaseModel.Load(copy.Path, BasePrecision.Fp32);
        Assert.All(first.Weights.Parameters.Zip(again.Weights.Parameters), pair => Assert.True(pair.First.Equals(pair.Second)));
        Assert.Equal([2, 3], again.EosIds);
        Assert.Equal(first.ParameterCount, first.Weights.Parameters.Sum(tensor => tensor.numel()));
    }

    [Fact]
    public void Load_EosOfGenerationConfig_IsJoinedWithConfigs()
    {
        using var folder = Saved();
        folder.Write("generation_config.json", """{"eos_token_id": 7}""");
        using BaseModel model = BaseModel.Load(folder.Path, BasePrecision.Fp32);
        Assert.Equal([7, 2, 3], model.EosIds);
    }

    [Fact]
    public void Load_MissingTensor_IsNamed() =>
        Refused<ModelException>("tensor model.norm.weight is missing", tensors => tensors.Remove("model.norm.weight"));

    [Fact]
    public void Load_MisshapenTensor_IsNamedWithBothShapes() => Refused<ModelException>(
        "tensor model.layers.1.mlp.down_proj.weight has shape [16, 23]; config.json asks for [16, 24]",
        tensors => tensors["model.layers.1.mlp.down_proj.weight"] = zeros(16, 23));

    [Fact]
    public void Load_TensorOfNoLayer_IsNamed() =>
        Refused<ModelException>("tensor model.layers.2.mlp.up_proj.weight is not part", tensors => tensors["model.layers.2.mlp.up_proj.weight"] = zeros(24, 16));

    [Fact]
    public void Load_IntegerWeight_IsNamed() =>
        Refused<ModelException>("model.norm.weight is I64", tensors => tensors["model.norm.weight"] = zeros(16, dtype: ScalarType.Int64));

    [Fact]
    public void Load_TruncatedFile_SaysSo()
    {
        using var folder = Saved();
        using (var file = new FileStream(WeightsOf(folder), FileMode.Open)) file.SetLength(file.Length - 10);
        Assert.Contains("the file is truncated", Assert.Throws<SafetensorsException>(() => BaseModel.Load(folder.Path, BasePrecision.Fp32)).Message);
    }

    [Theory]
    [InlineData("\"silu\"", "\"mish\"", "mish")]
    [InlineData("LlamaForCausalLM", "BloomForCausalLM", "BloomForCausalLM")]
    [InlineData("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3", "num_key_value_heads")]
    [InlineData("\"rms_norm_eps\": 1e-5", "\"rope_scaling\": {\"rope_type\": \"ntk\", \"factor\": 2}", "ntk")]
    [InlineData("\"hidden_size\": 16, ", "", "hidden_size")]
    public void Parse_ConfigOfAnotherModel_NamesWhatIsNot(string text, string becomes, string named)
    {
        Assert.Contains(text, Config);
        Assert.Contains(named, Assert.Throws<ModelException>(() => ModelConfig.Parse(Config.Replace(text, becomes))).Message);
    }

    [Theory]
    [InlineData("""{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}""", "model-2.safetensors is missing")]
    [InlineData("""{"weight_map": {"a": "../model-1.safetensors"}}""", "not a file beside it")]
    [InlineData("""{"weight_map": {"a": ".."}}""", "not a file beside it")]
    [InlineData("""{"weight_map": {"a": 5}}""", "a = 5")]
    [InlineData("""{"weight_map": {"a": "\ud800"}}""", "half of a surrogate pair")]
    [InlineData("""{"weight_map": ["model-1.safetensors"]}""", "weight_map")]
    [InlineData("""{}""", "no weight_map")]
    [InlineData("""[]""", "a list")]
    [InlineData("""{"weight_map": """, "not JSON")]
    public void Load_IndexThatCannotBeFollowed_SaysWhy(string index, string why)
    {
        using var folder = Saved();
        File.Move(WeightsOf(folder), Path.Combine(folder.Path, "model-1.safetensors"));
        folder.Write("model.safetensors.index.json", index);
        Assert.Contains(why, Assert.Throws<SafetensorsException>(() => BaseModel.Load(folder.Path, BasePrecision.Fp32)).Message);
    }

    [Theory]
    [InlineData("""{"weight_map": {"a": "model-00001-of-00002.safetensors"}}""")]
    [InlineData("garbage")]
    public void Load_SingleFileBesideAStaleIndex_IsTaken(string index)
    {
        using var folder = Saved();
        folder.Write("model.safetensors.index.json", index);
        using BaseModel model = BaseModel.Load(folder.Path, BasePrecision.Fp32);
        Assert.Equal(40, model.Config.VocabularySize);
    }

    [Theory]
    [InlineData(float.NaN, ScalarType.Float32)]
    [InlineData(float.PositiveInfinity, ScalarType.BFloat16)]
    [InlineData(float.NegativeInfinity, ScalarType.Float16)]
    public void Load_TensorThatIsNotFinite_IsNamed(float value, ScalarType dtype) => Refused<SafetensorsException>(
        "tensor model.layers.1.mlp.up_proj.weight holds NaN or infinity (element 383)",
        tensors =>
        {
            tensors["model.layers.1.mlp.up_proj.weight"][23, 15] = value;
            foreach (string name in tensors.Keys.ToArray()) tensors[name] = tensors[name].to_type(dtype);
        });

    [Fact]
    public void Load_MoreLayersThanTheFileHas_AllocatesNothing()
    {
        using var folder = Saved();
        folder.Write("config.json", Config.Replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 4096").Replace("\"vocab_size\": 40", "\"vocab_size\": 16000000"));
        Assert.Contains("embed_tokens.weight has shape [40, 16]", Assert.Throws<ModelException>(() => BaseModel.Load(folder.Path, BasePrecision.Fp32)).Message);
    }

    private static void Refused<TException>(string message, Action<Dictionary<string, Tensor>> change)
        where TException : Exception
    {
        using var scope = NewDisposeScope();
        using var folder = Saved();
        Dictionary<string, Tensor> tensors = TensorFile.Read(WeightsOf(folder));
        change(tensors);
        SafetensorsWriter.Write(WeightsOf(folder), tensors);
        Assert.Contains(message, Assert.Throws<TException>(() => BaseModel.Load(folder.Path, BasePrecision.Fp32)).Message);
    }

    private static TemporaryFolder Saved()
    {
        var folder = new TemporaryFolder();
        using BaseModel model = BaseModel.Random(ModelConfig.Parse(Config), BasePrecision.Fp32, seed: 1);
        model.Save(folder.Path, ComputeDtype.Fp32);
        return folder;
    }

    private static string WeightsOf(TemporaryFolder folder) => Path.Combine(folder.Path, "model.safetensors");
}
