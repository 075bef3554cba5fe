using System.Reflection;
using System.Runtime.InteropServices;

using TorchSharp;

namespace OrleansInference.Engine.Torch;

/// <summary>Frees modules with all that they hold.</summary>
internal static class ScriptModuleDisposal
{
    private static readonly FieldInfo? Handle = typeof(torch.nn.Module).GetField("handle", BindingFlags.Instance | BindingFlags.NonPublic);

    /// <summary>
    /// Frees a module, which <see cref="torch.nn.Module.Dispose()"/> of TorchSharp 0.107 does not: it lists the submodules, and to that end makes
    /// another handle to the module itself, which it neither disposes nor finalizes. So everything stays: weights, code, compiled plans. A
    /// module whose own handle has gone before lists none.
    /// </summary>
    public static void Free(this torch.jit.ScriptModule module)
    {
        foreach (var (_, buffer) in module.named_buffers(recurse: false)) buffer.Dispose();
        foreach (var (_, parameter) in module.named_parameters(recurse: false)) parameter.Dispose();
        (Handle?.GetValue(module) as SafeHandle)?.Dispose();
        module.Dispose();
    }
}
