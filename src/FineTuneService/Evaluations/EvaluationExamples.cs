using FineTuneService.Hosting;
using FineTuneService.Models;

namespace FineTuneService.Evaluations;

/// <summary>Swagger UI's examples of evaluations.</summary>
internal static class EvaluationExamples
{
    private const string File = "file-4m6n8b0v2c1x3z5l7k9j1h3g", Id = "eval_2w4e6r8t0y1u3i5o7p9a1s3d", Task = "arithmetic_2da";

    public static readonly EvaluateRequest Request = new()
    {
        Models = ["talers-2m", ModelExamples.Tuned],
        File = File,
        Tasks = [Task],
        TaskFiles = new() { [Task] = new TaskFilesBody { File = "file-8k0l2z4x6c8v0b2n4m6q8w0e" } },
        Limit = 100,
        Generate = new GenerateBody { Prompts = ["Greet Ada."], MaxTokens = 32 },
    };

    public static readonly EvaluationBody Answer = new(
        Id, "evaluation", 1764000800, File, 100,
        [
            new ModelResult("talers-2m", 4.340, 76.71, 0.402, 4213) { Tasks = Tasks(0.02, 0.014), Generated = Generated("The coins are", 24) },
            new ModelResult(ModelExamples.Tuned, 0.0056, 1.0056, 0.999, 4213) { Tasks = Tasks(0.03, 0.017), Generated = Generated("Good day, Ada!", 9) },
        ],
        [])
    {
        Tasks = [Task],
        Limit = 100,
    };

    public static readonly Page<EvaluationBody> Evaluations = new([Answer], false, Id, Id);

    public static readonly Deleted Deleted = new(Id, "evaluation");

    private static Dictionary<string, TaskResult> Tasks(double accuracy, double error) =>
        new() { [Task] = new TaskResult(100, 0, new Dictionary<string, MetricBody> { ["acc"] = new(accuracy, error), ["mean_loglikelihood"] = new(-11.4, 0.21) }) };

    private static GeneratedResult Generated(string text, int tokens) =>
        new([new SampleBody("Greet Ada.", text, null, "stop", tokens, 0.021)], tokens, 0.021, Math.Round(tokens / 0.021, 2), 11_534_336, null);
}
