using System.Diagnostics;
using FineTuneService.Device;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Evaluation;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Hosting;
using FineTuneService.Models;

namespace FineTuneService.Evaluations;

/// <summary>One model's evaluation, a batch a lease turn: chat is answered and jobs train in between.</summary>
internal sealed class ModelRun(ServedModel served, DeviceLease lease, ResidentModels resident) : IAsyncDisposable
{
    private const string Owner = "evaluate";

    private readonly BatchedEvaluation _evaluation = new();

    /// <param name="warnings">Those about the rows are added.</param>
    public async Task<(ModelResult?, EvaluationRefusal?)> Evaluate(Dataset dataset, List<string> warnings, CancellationToken cancel)
    {
        using Activity? span = Telemetry.Source.StartActivity(Telemetry.Spans.Evaluate);
        span?.SetTag(Telemetry.Keys.RequestModel, served.Name);
        try
        {
            RowEncoder encoder = await lease.Serve(Owner, () => Find(Encoder), cancel);
            EncodedRows encoded = encoder.Encode(dataset); // Not on the device's thread: it takes no tensor.
            if (encoded.Problems.Count > 0)
                return (null, EvaluationRefusal.BadRows($"'{served.Name}' cannot be evaluated on this file.", [.. encoded.Problems.Select(problem => problem.ToString())]));
            warnings.AddRange(encoded.Warnings.Select(warning => warning.ToString()));
            EvaluationSums sums = default;
            foreach (IReadOnlyList<TrainingRow> batch in BatchedEvaluation.Batches(encoded.Rows))
                sums += await lease.Serve(Owner, () => Find((model, adapter) => _evaluation.Batch(model.Base, adapter?.Adapter, batch)), cancel);
            span?.SetTag(Telemetry.Keys.Loss, sums.Result.Loss);
            return (Result(sums.Result, warnings), null);
        }
        catch (Exception damaged) when (damaged is ModelException or AdapterException or SafetensorsException or ChatTemplateException
            or IOException or InvalidDataException or ArgumentException)
        {
            return (null, new EvaluationRefusal(EvaluationRefusalKind.ModelUnusable, $"The model '{served.Name}' cannot be evaluated: {damaged.Message}"));
        }
    }

    public async ValueTask DisposeAsync() => await lease.Serve(Owner, () =>
    {
        _evaluation.Dispose();
        return true;
    });

    /// <summary>Looks model and adapter up in the turn that uses them: either may be deleted, or let go, between two.</summary>
    private T Find<T>(Func<ResidentModel, ResidentAdapter?, T> use)
    {
        ResidentModel model = resident.Model(served.Folder, served.Precision);
        return use(model, served.Adapter is { } entry ? resident.Adapter(entry.Id, entry.Folder, model) : null);
    }

    /// <summary>Rows become what this model would be asked: with the template that it, or its adapter, was trained with.</summary>
    private static RowEncoder Encoder(ResidentModel model, ResidentAdapter? adapter) => adapter is null
        ? RowEncoder.For(model.Base.Config, model.Base.Tokenizer, model.Base.ChatTemplate, model.Base.EosIds, promptTemplate: model.PromptTemplate)
        : RowEncoder.For(model.Base.Config, model.Base.Tokenizer, adapter.ChatTemplate, model.Base.EosIds, promptTemplate: adapter.PromptTemplate);

    private ModelResult Result(EvaluationResult result, List<string> warnings)
    {
        double perplexity = Math.Exp(result.Loss);
        if (!double.IsFinite(perplexity)) warnings.Add($"'{served.Name}' gives no finite perplexity; its weights may be damaged.");
        return new ModelResult(served.Name, Finite(result.Loss), Finite(perplexity), result.TokenAccuracy, result.Tokens);
    }

    /// <summary>JSON knows no infinity.</summary>
    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}
