# shellcheck shell=sh

load_bridge
physical=$(grep -lx 0x10c9 /sys/bus/pci/devices/*/device | sed 's|.*/\(.*\)/device|\1|')
check "bind the physical function" give_to "$physical" vfio-pci
echo 1 >/sys/module/vfio_pci/parameters/enable_sriov
check "make a virtual one" sh -c "echo 1 >/sys/bus/pci/devices/$physical/sriov_numvfs"
virtual=$(basename "$(readlink "/sys/bus/pci/devices/$physical/virtfn0")")
check "it is with vfio-pci too" driver_is "$virtual" vfio-pci
check "tokens: none, another one, the right one" guest-vf-token "$physical" "$virtual"
cat /tmp/check.out
kernel_is_content
