using System.Reflection;
using System.Reflection.Emit;

namespace TorchSharp.Tests;

public sealed class OperatorTests
{
    /// <summary>A member whose operator this libtorch lacks would fail only when it is called: this finds it, on every version.</summary>
    [Fact]
    public void EveryOperator_ThatTheProviderNames_IsInThisLibtorch()
    {
        var names = CalledOperators().ToHashSet();
        Assert.True(names.Count > 300, $"only {names.Count} operators found");
        var missing = names.Where(name =>
        {
            var parts = name.Split('.');
            return Native.torch_operator("aten::" + parts[0], parts.Length > 1 ? parts[1] : "") == 0;
        });
        Assert.Empty(missing);
    }

    /// <summary>The string literals of every method that calls <see cref="Operator"/>, itself or through a private member of Tensor.</summary>
    private static IEnumerable<string> CalledOperators()
    {
        var module = typeof(Tensor).Module;
        foreach (var type in module.GetTypes())
            foreach (var method in type.GetMethods(BindingFlags.DeclaredOnly | BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            {
                var (literals, calls) = Read(method, module);
                if (calls.Any(c => c.DeclaringType == typeof(Operator) || c is { IsPrivate: true, Name: "Done" or "InPlace" or "Extreme" }))
                    foreach (var literal in literals)
                        yield return literal;
            }
    }

    private static (List<string> Literals, List<MethodBase> Calls) Read(MethodInfo method, Module module)
    {
        var (literals, calls) = (new List<string>(), new List<MethodBase>());
        var code = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        for (var i = 0; i + 4 < code.Length; i++)
        {
            var token = BitConverter.ToInt32(code, i + 1);
            if (code[i] == OpCodes.Ldstr.Value && token >> 24 == 0x70)
                literals.Add(module.ResolveString(token));
            else if (code[i] == OpCodes.Call.Value && token >> 24 is 0x06 or 0x0A or 0x2B && TryResolve(token) is { } called)
                calls.Add(called);
        }

        return (literals, calls);

        MethodBase? TryResolve(int token)
        {
            try
            {
                return module.ResolveMethod(token, method.DeclaringType!.GetGenericArguments(), method.GetGenericArguments());
            }
            catch (ArgumentException)
            {
                return null; // the byte was no call
            }
        }
    }
}
