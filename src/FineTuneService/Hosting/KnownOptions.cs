using FineTuneService.Hub;
using FineTuneService.Integrations;
using Microsoft.Extensions.Options;

namespace FineTuneService.Hosting;

/// <summary>Refuses an option that does not exist: a mistyped name would otherwise leave the default in force, and nobody would know.</summary>
internal sealed class KnownOptions(IConfiguration configuration) : IValidateOptions<FineTuneOptions>
{
    public ValidateOptionsResult Validate(string? name, FineTuneOptions options)
    {
        IConfigurationSection section = configuration.GetSection(FineTuneOptions.Section);
        string[] unknown = [.. Unknown(section, typeof(FineTuneOptions)), .. Unknown(section.GetSection(nameof(options.Hub)), typeof(HubOptions)), .. Unknown(section.GetSection(nameof(options.Mlflow)), typeof(MlflowOptions))];
        return unknown.Length == 0
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail($"There is no option {string.Join(", ", unknown)}; appsettings.json lists every option with its default.");
    }

    private static IEnumerable<string> Unknown(IConfigurationSection section, Type options)
    {
        var names = options.GetProperties().Select(option => option.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return section.GetChildren().Where(option => !names.Contains(option.Key)).Select(option => option.Path);
    }
}
