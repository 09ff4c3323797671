using System.Text.Json.Nodes;
using FineTuneService.Engine.Evaluation.Tasks;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;

namespace FineTuneService.Engine.Tests.Evaluation;

/// <summary>A case of golden/evals: a model, with or without the folder's adapter, on a task.</summary>
internal sealed class GoldenEvaluation : IDisposable
{
    /// <summary>Tokens that the reference let a small model read, whatever its config says.</summary>
    private const int LeastContext = 512;

    private readonly TextScorer _scorer = new();

    private GoldenEvaluation(JsonObject json, BaseModel model, Adapter? adapter) => (Json, Model, Adapter) = (json, model, adapter);

    public JsonObject Json { get; }
    public BaseModel Model { get; }
    public Adapter? Adapter { get; }
    public JsonNode Task => Json["task"]!;

    public int Longest => Math.Max(LeastContext, Model.Config.MaxPositions);

    public TextPairs Pairs => new(Model.Tokenizer, Model.Tokenizer.BosId ?? Model.EosIds[0], Longest);

    /// <summary>Of the files of a case's model, with or without an adapter.</summary>
    public static long Bytes(string model) => new DirectoryInfo(Folder(model.Split('+')[0])).EnumerateFiles().Sum(file => file.Length);

    private static string Folder(string model)
    {
        string folder = Shared.Path("models", model);
        return Directory.Exists(folder) ? folder : folder + "-gguf";
    }

    /// <summary>The case, or a skipped test where its model cannot be loaded.</summary>
    public static GoldenEvaluation Load(string model, string task)
    {
        JsonObject json = JsonNode.Parse(File.ReadAllText(Shared.Path("golden", "evals", model, task)))!.AsObject();
        string[] names = model.Split('+');
        try
        {
            BaseModel loaded = BaseModel.Load(Folder(names[0]), BasePrecision.Fp32);
            return new GoldenEvaluation(json, loaded, names.Length == 1 ? null : Adapter.Load(Shared.Path("golden", "evals", names[1]), loaded));
        }
        catch (ModelException refused)
        {
            Fidelity.Skipped("evals", $"{model}/{task}", refused.Message);
            throw;
        }
    }

    public TextScore[] Score(IReadOnlyList<ScoredText> texts)
    {
        var scores = new TextScore[texts.Count];
        foreach (TextBatch batch in TextBatch.Of(texts)) _scorer.Score(Model, Adapter, batch, scores);
        return scores;
    }

    public void Dispose()
    {
        _scorer.Dispose();
        Adapter?.Dispose();
        Model.Dispose();
    }
}
