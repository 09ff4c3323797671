using FineTuneService.Engine.Models;

namespace FineTuneService.Demo.Recipe;

/// <summary>The model's README.md: where its weights come from, and how the training went.</summary>
internal static class BaseReadme
{
    public static void Write(string folder, BaseModel model, LossCurve curve, int steps) => File.WriteAllText(Path.Combine(folder, "README.md"), $"""
        # {new DirectoryInfo(folder).Name}

        A chat model of a closed world: a village's people, their things, prices and complaints. It answers questions about what it is told in
        the chat, as words, JSON or columns. {model.ParameterCount:N0} parameters, Llama's architecture, bf16, rows of up to 128 tokens in
        training.

        Provenance: text, tokenizer and weights are this command's, and nothing else went in. `src/FineTuneService.Demo/World` writes the text,
        the Engine's full-parameter mode trains.

            dotnet run --project src/FineTuneService.Demo -- train-base {folder.Replace('\\', '/').TrimEnd('/')} {steps}

        The loss is of the assistant's tokens only, the mean over the steps since the line before. {Environment.ProcessorCount} cores,
        {curve.Elapsed.TotalMinutes:F0} minutes in all.

        {curve}
        """);
}
