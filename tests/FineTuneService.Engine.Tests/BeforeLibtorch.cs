using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;

namespace FineTuneService.Engine.Tests;

/// <summary>A test may touch libtorch before it touches the Engine, which sets how OpenMP's threads wait.</summary>
internal static class BeforeLibtorch
{
    [ModuleInitializer]
    internal static void Prepare() => OpenMp.Prepare();
}
