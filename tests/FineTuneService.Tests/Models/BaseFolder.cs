using FineTuneService.Models;

namespace FineTuneService.Tests.Models;

/// <summary>A copy of the embedded base's folder, which goes with the test.</summary>
internal sealed class BaseFolder : IDisposable
{
    public BaseFolder()
    {
        foreach (string file in Directory.EnumerateFiles(System.IO.Path.Combine(EmbeddedModels.Root, TestService.BaseModel))) File.Copy(file, In(System.IO.Path.GetFileName(file)));
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("finetune-base-").FullName;

    public string In(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
