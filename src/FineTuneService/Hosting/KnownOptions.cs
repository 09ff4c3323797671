using Microsoft.Extensions.Options;

namespace FineTuneService.Hosting;

/// <summary>Refuses an option that does not exist: a mistyped name would otherwise leave the default in force, and nobody would know.</summary>
internal sealed class KnownOptions(IConfiguration configuration) : IValidateOptions<FineTuneOptions>
{
    private static readonly HashSet<string> Names = typeof(FineTuneOptions).GetProperties().Select(option => option.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);

    public ValidateOptionsResult Validate(string? name, FineTuneOptions options)
    {
        string[] unknown = [.. configuration.GetSection(FineTuneOptions.Section).GetChildren().Select(option => option.Key).Where(key => !Names.Contains(key))];
        return unknown.Length == 0
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail($"There is no option {string.Join(", ", unknown.Select(key => $"FineTune:{key}"))}; appsettings.json lists every option with its default.");
    }
}
